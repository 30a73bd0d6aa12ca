"""The rows of a table: what Grafana's transformations, as far as the boards use them, make of the answers."""

from typing import Any

Row = dict[str, Any]
Samples = list[dict[str, Any]]


def rows(panel: dict[str, Any], frames: dict[str, Samples]) -> tuple[list[str], list[Row]]:
    """The columns, and the rows by column."""
    made = merged(frames)
    columns = list(dict.fromkeys(key for row in made for key in row))
    for step in panel.get("transformations", []):
        if step["id"] == "organize":
            columns, made = organized(step["options"], columns, made)
        elif step["id"] == "groupingToMatrix":
            columns, made = matrix(step["options"], made)
    for order in reversed(panel["options"].get("sortBy", [])):
        key = order["displayName"]
        made.sort(key=lambda row: sortable(row.get(key)), reverse=order["desc"])
    return columns, made


def sortable(value: Any) -> tuple[int, Any]:
    return (1, value) if isinstance(value, float) else (0, str(value or ""))


def merged(frames: dict[str, Samples]) -> list[Row]:
    """One row for all samples that agree in the labels which every frame has."""
    labels = [set(sample["metric"]) for samples in frames.values() for sample in samples[:1]]
    shared = sorted(set.intersection(*labels)) if labels else []
    made: dict[tuple[str, ...], Row] = {}
    for name, samples in frames.items():
        value = "Value" if len(frames) == 1 else f"Value #{name}"
        for at, sample in enumerate(samples):
            metric = sample["metric"]
            key = tuple(metric.get(label, "") for label in shared)
            row = made.setdefault(key if len(frames) > 1 else (str(at),), {})
            row.update(metric)
            row[value] = float(sample["value"][1])
    return list(made.values())


def organized(options: Row, columns: list[str], made: list[Row]) -> tuple[list[str], list[Row]]:
    place = options["indexByName"]
    rename = options["renameByName"]
    kept = [name for name in columns if name not in options["excludeByName"]]
    kept.sort(key=lambda name: place.get(name, len(place)))
    shown = [rename.get(name, name) for name in kept]
    return shown, [{rename.get(name, name): row[name] for name in kept if name in row} for row in made]


def matrix(options: Row, made: list[Row]) -> tuple[list[str], list[Row]]:
    row_field, column_field = options["rowField"], options["columnField"]
    first = f"{row_field}\\{column_field}"
    turned: dict[str, Row] = {}
    for row in made:
        line = turned.setdefault(row[row_field], {first: row[row_field]})
        line[row[column_field]] = row[options["valueField"]]
    columns = sorted({row[column_field] for row in made})
    return [first, *columns], sorted(turned.values(), key=lambda line: str(line[first]))
