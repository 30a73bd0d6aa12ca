"""Prints a chart's values.yaml with the descriptions of its values.schema.json as comments.

usage: values_comments.py CHART

A generated comment begins with `# -- `, and its following lines with `#    `. All other comments are kept.
"""

import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from chart_values import leaves

KEY = re.compile(r"^(?P<indent> *)(?P<name>[A-Za-z]\w*):(?P<rest>.*)$")
FIRST = re.compile(r"^ *# -- ")
FURTHER = re.compile(r"^ *#    ")
WIDTH = 120


def main() -> None:
    chart = Path(sys.argv[1])
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    values = (chart / "values.yaml").read_text(encoding="utf-8")
    print("\n".join(commented(values, dict(leaves(schema)))))


def commented(values: str, described: dict[str, str]) -> Iterator[str]:
    path: list[str] = []
    is_generated = False
    for line in values.splitlines():
        is_generated = bool(FIRST.match(line) or (is_generated and FURTHER.match(line)))
        if is_generated:
            continue
        if key := KEY.match(line):
            depth = len(key["indent"]) // 2
            path = [*path[:depth], key["name"]]
            yield from comment(described.get(".".join(path), ""), key["indent"])
        yield line


def comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"{indent}# -- ",
        subsequent_indent=f"{indent}#    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


if __name__ == "__main__":
    main()
