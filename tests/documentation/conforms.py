"""Says of YAML documents whether they conform to a JSON Schema, as an editor would see them.

Standard input: {"schema": …, "documents": [text, …]}. Standard output: for each document null, or
what is wrong with it. Scalars are read by YAML 1.2's core schema, as editors read them.
"""

import json
import re
import sys
from typing import Any

import yaml
from jsonschema import Draft7Validator


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2's idea of what is a number, which is not PyYAML's."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}


def whole_number(_: CoreLoader, node: yaml.ScalarNode) -> int:
    text = node.value
    based = text.startswith(("0x", "0o"))
    return int(text, 0) if based else int(text)


CORE = [
    ("tag:yaml.org,2002:merge", "<<", "<"),
    ("tag:yaml.org,2002:null", "~|null|Null|NULL|", "~nN"),
    ("tag:yaml.org,2002:bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:int", "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
]
for tag, pattern, first in CORE:
    CoreLoader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), list(first))
# An empty scalar has no first character.
CoreLoader.yaml_implicit_resolvers.setdefault("", []).append(
    ("tag:yaml.org,2002:null", re.compile("^$"))
)
CoreLoader.add_constructor("tag:yaml.org,2002:int", whole_number)


def with_text_keys(value: Any) -> Any:
    """A mapping's keys are text in JSON."""
    if isinstance(value, dict):
        return {str(key): with_text_keys(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_text_keys(inner) for inner in value]
    return value


def objection(validator: Draft7Validator, document: str) -> str | None:
    try:
        value = with_text_keys(yaml.load(document.removeprefix("\ufeff"), CoreLoader))
    except (yaml.YAMLError, RecursionError) as error:
        return f"not YAML: {error}"
    error = next(validator.iter_errors(value), None)
    return error and f"{error.json_path}: {error.message}"


def main() -> None:
    asked = json.load(sys.stdin)
    Draft7Validator.check_schema(asked["schema"])
    validator = Draft7Validator(asked["schema"])
    json.dump([objection(validator, text) for text in asked["documents"]], sys.stdout)


main()
