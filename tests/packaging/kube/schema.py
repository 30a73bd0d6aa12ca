"""Inserts the schema of the exporter's configuration into the schema of the chart's values, and prints the result.

usage: schema.py SCHEMA VALUES_SCHEMA

Helm parses values as YAML before it applies the schema: 0123456 becomes a number, and the original text is lost. So
settings that the exporter reads as text must be text here. Helm's regular expressions have no lookahead. The values
must not contain keys of the cloud, so credentials have no inline key.
"""

import json
import sys
from pathlib import Path
from typing import Any

MARK = '    "exporter": '
INLINE_KEYS = ["secret_id", "secret_key", "token"]


def main() -> None:
    schema = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    values = Path(sys.argv[2]).read_text(encoding="utf-8")
    del schema["$schema"]
    credentials = schema["definitions"]["credentials"]
    for key in INLINE_KEYS:
        del credentials["properties"][key]
    credentials["anyOf"] = [it for it in credentials["anyOf"] if it["propertyNames"]["enum"] != INLINE_KEYS]
    text = json.dumps(for_helm(schema), indent=2, ensure_ascii=False)
    head, _ = values.split(MARK)
    print(head + MARK + text.replace("\n", "\n    ") + "\n  }\n}")


def for_helm(node: Any) -> Any:
    if isinstance(node, list):
        return [for_helm(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: for_helm(item) for key, item in node.items()}
    if isinstance(node.get("$ref"), str):
        node["$ref"] = node["$ref"].replace("#/definitions/", "#/definitions/exporter/definitions/")
    kinds = node.get("type")
    if isinstance(kinds, list) and kinds[0] == "string":
        node["type"] = "string"
    pattern = node.get("pattern")
    if isinstance(pattern, str) and "(?=.)" in pattern:
        node |= {"pattern": pattern.replace("(?=.)", ""), "minLength": 1}
    elif isinstance(pattern, str) and "(?!__)" in pattern:
        # A boolean name may have been written as yes or no.
        rejected = [{"pattern": "^__|^(true|false|null)$"}] + [node[key] for key in ["not"] if key in node]
        node |= {"pattern": pattern.replace("(?!__)", ""), "not": {"anyOf": rejected}}
    return node


if __name__ == "__main__":
    main()
