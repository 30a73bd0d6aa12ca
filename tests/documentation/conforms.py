"""Validates YAML documents against a JSON Schema, as an editor would.

Standard input: {"schema": …, "documents": [text, …]}. Standard output: null or an error for each
document. Scalars are resolved by the core schema of YAML 1.2, as in editors.
"""

import json
import re
import sys
from typing import Any

import yaml
from jsonschema import Draft7Validator


class CoreLoader(yaml.SafeLoader):
    """Resolves scalars by YAML 1.2 instead of 1.1."""

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
    """Converts the keys of mappings to text, as in JSON."""
    if isinstance(value, dict):
        return {str(key): with_text_keys(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_text_keys(inner) for inner in value]
    return value


def error_in(validator: Draft7Validator, document: str) -> str | None:
    try:
        value = with_text_keys(yaml.load(document.removeprefix("\ufeff"), CoreLoader))
    except (yaml.YAMLError, RecursionError) as error:
        return f"not YAML: {error}"
    error = next(validator.iter_errors(value), None)
    return error and f"{error.json_path}: {error.message}"


def main() -> None:
    request = json.load(sys.stdin)
    Draft7Validator.check_schema(request["schema"])
    validator = Draft7Validator(request["schema"])
    json.dump([error_in(validator, text) for text in request["documents"]], sys.stdout)


main()
