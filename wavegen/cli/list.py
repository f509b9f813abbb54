"""``wavegen list``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wavegen.cli.output import Json, print_json

OVERVIEW = 12  # components of each kind that the overview shows
CARD = "README.md"
MODEL = "model"  # not a kind of component: trained pipelines


def list_components(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]",
            help="transform, bridge, solver, grid, head, network, degradation, dataset, metric, loss, critic, "
            "pipeline, or model (trained pipelines).",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Describe this component.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """List components and trained pipelines, or describe one with its options."""
    from wavegen.core.registry import KINDS, describe, names

    if kind == MODEL:
        _list_models(name, as_json)
        return
    if kind is not None and name is not None:
        described = describe(kind, name)
        print_json(described) if as_json else _print_one(described)
        return
    kinds = KINDS if kind is None else (kind,)
    records = {k: {n: describe(k, n)["summary"] for n in names(k)} for k in kinds}
    if as_json:
        print_json(records)
        return
    for each, summaries in records.items():
        shown = list(summaries) if kind else list(summaries)[:OVERVIEW]
        print(each)
        for component in shown:
            print(f"  {component:<18} {summaries[component]}")
        if len(summaries) > len(shown):
            print(f"  ... and {len(summaries) - len(shown)} more: wavegen list {each}")


def _print_one(component: dict[str, Any]) -> None:
    print(f"{component['kind']} {component['name']}: {component['summary']}")
    if component["paper"]:
        print(f"  source: {component['paper']}")
    if component["capabilities"]:
        print(f"  capabilities: {', '.join(component['capabilities'])}")
    for option, schema in component["options"].items():
        facts = {key: value for key, value in schema.items() if key != "default"}
        default = f" = {schema['default']!r}" if "default" in schema else " (required)"
        print(f"  {option}{default}  {_range(facts)}".rstrip())


def _range(schema: dict[str, Any]) -> str:
    """The type and limits of an option, from its JSON schema."""
    if "anyOf" in schema:
        return " or ".join(_range(part) for part in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[key]:g}" for key, sign in signs.items() if key in schema]
    return " ".join([str(schema.get("type", "")), *limits])


def _list_models(name: str | None, as_json: bool) -> None:
    """The trained pipelines that need no download, with the first sentence of their cards; or the card of one."""
    from wavegen.pipeline.storage import shipped, shipped_folder

    if name is not None:
        card = (shipped_folder(name) / CARD).read_text(encoding="utf-8")
        print_json({"name": name, "folder": str(shipped_folder(name)), "card": card}) if as_json else print(card)
        return
    models = {each: _first_line(shipped_folder(each) / CARD) for each in shipped()}
    if as_json:
        print_json({MODEL: models})
        return
    print(MODEL)
    for each, line in models.items():
        print(f"  {each:<18} {line}")


def _first_line(card: Path) -> str:
    """The first line of a card that is not a heading."""
    lines = card.read_text(encoding="utf-8").splitlines()
    return next((line for line in lines if line and not line.startswith(("#", "---"))), "")
