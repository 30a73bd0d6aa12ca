"""Parses an exposition from the standard input with the official Python client, and counts its samples."""

import sys

from prometheus_client.parser import text_string_to_metric_families

families = set()
series = set()
for family in text_string_to_metric_families(sys.stdin.read()):
    if family.name in families:
        sys.exit(f"{family.name}: its samples do not stand together")
    families.add(family.name)
    for sample in family.samples:
        key = (sample.name, tuple(sorted(sample.labels.items())))
        if key in series:
            sys.exit(f"{sample.name}{sample.labels}: is there twice")
        series.add(key)
print(len(series))
