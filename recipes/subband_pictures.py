"""The pictures of subbands in the documentation.

    python recipes/subband_pictures.py --preset docs --out docs/images

Every picture shows a crop of the micrograph that scikit-image brings along, or a simulated stack.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from wavegen.experiments import subband_figures

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
    """Parse the command line and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=["docs"], default="docs")
    parser.add_argument("--out", type=Path, required=True)
    for path in subband_figures(PAGES, parser.parse_args().out):
        print(path)


if __name__ == "__main__":
    main()
