"""Prints the table of a chart's values from its values.schema.json and values.yaml, which must agree.

usage: chart_values.py CHART
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

# Helm adds these to every chart.
IGNORED = {"global"}


def main() -> None:
    chart = Path(sys.argv[1])
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    described = dict(leaves(schema))
    errors = [f"{path} has no description" for path, text in described.items() if not text]
    known = {path: value_at(values, path) for path in described}
    errors += [f"{path} is not in values.yaml" for path, value in known.items() if value is MISSING]
    errors += [f"{path} is not in the schema" for path in paths(values) if not covered(path, described)]
    if errors:
        sys.exit("\n".join(errors))
    print("| value | default | meaning |\n| --- | --- | --- |")
    for path, text in described.items():
        print(f"| `{path}` | `{json.dumps(known[path], ensure_ascii=False)}` | {text} |")


MISSING = object()


def leaves(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields the path of every value, and its description in the schema."""
    for name, child in schema["properties"].items():
        if name in IGNORED and not prefix:
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
    """Returns whether a path is a described value, or inside one that accepts any mapping."""
    names = path.split(".")
    return any(".".join(names[:length]) in described for length in range(1, len(names) + 1))


if __name__ == "__main__":
    main()
