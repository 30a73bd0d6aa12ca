"""Prints the table of a chart's values, by its values.schema.json and values.yaml, which have to agree.

usage: chart_values.py CHART
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

# Helm's own, of every chart.
NOT_OURS = {"global"}


def main() -> None:
    chart = Path(sys.argv[1])
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    described = dict(leaves(schema))
    objections = [f"{path} has no description" for path, text in described.items() if not text]
    known = {path: value_at(values, path) for path in described}
    objections += [f"{path} is not in values.yaml" for path, value in known.items() if value is MISSING]
    objections += [f"{path} is not in the schema" for path in paths(values) if not covered(path, described)]
    if objections:
        sys.exit("\n".join(objections))
    print("| value | default | meaning |\n| --- | --- | --- |")
    for path, text in described.items():
        print(f"| `{path}` | `{json.dumps(known[path], ensure_ascii=False)}` | {text} |")


MISSING = object()


def leaves(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every path that is a value of its own, and what the schema says of it."""
    for name, child in schema["properties"].items():
        if name in NOT_OURS and not prefix:
            continue
        if "properties" in child:
            yield from leaves(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child.get("description", "")


def value_at(values: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(values, dict) or name not in values:
            return MISSING
        values = values[name]
    return values


def paths(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, child in values.items():
        if isinstance(child, dict) and child:
            yield from paths(child, f"{prefix}{name}.")
        else:
            yield prefix + name


def covered(path: str, described: dict[str, str]) -> bool:
    """Whether it is a described value, or inside of one that takes any mapping."""
    names = path.split(".")
    return any(".".join(names[:length]) in described for length in range(1, len(names) + 1))


if __name__ == "__main__":
    main()
