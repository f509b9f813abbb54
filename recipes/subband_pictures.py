"""The pictures of subbands in the documentation.

    python recipes/subband_pictures.py --preset docs --out docs/images

Every picture shows a crop of the micrograph that scikit-image brings along, or a simulated stack.
"""

from __future__ import annotations

from typing import Any

from wavegen.experiments import recipe_options, run_command, subband_figures

PAGES: dict[str, list[dict[str, Any]]] = {
    "transforms-learned": [{"name": "db4"}, {"name": "learned"}, {"name": "lifting"}],
    "transforms-controls": [
        {"name": "pool"},
        {"name": "packets"},
        {"name": "space_to_depth"},
        {"name": "undecimated"},
    ],
    "transforms-volumes": [{"name": "stack", "wavelet": "db2", "levels": 2, "levels_z": 1}],
}


def main() -> None:
    """Write the pictures."""
    for path in subband_figures(PAGES, recipe_options(__doc__, ["docs"], budget="").parse_args().out):
        print(path)


if __name__ == "__main__":
    run_command(main)
