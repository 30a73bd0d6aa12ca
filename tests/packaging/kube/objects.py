"""Validates Kubernetes objects strictly and prints them as JSON.

usage: objects.py <MANIFESTS

Unknown fields, wrong types and duplicate keys are errors. Kubernetes objects are validated against the schemas of the
oldest version that the chart supports and of the newest known version. Objects of the Prometheus Operator are
validated against models of its resource definitions.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import cloudcoil.pydantic
import kubernetes_validate
import pydantic
import yaml

VERSIONS = ["1.27", kubernetes_validate.latest_version()]


class Loader(yaml.SafeLoader):
    """Rejects duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key}", node.start_mark)
        return super().construct_mapping(node, deep)


def main() -> None:
    objects = [item for item in yaml.load_all(sys.stdin, Loader) if item]
    errors = [text for item in objects for text in errors_of(item)]
    names = [(item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]) for item in objects]
    errors += [f"duplicate object {name}" for name in sorted(set(names), key=str) if names.count(name) > 1]
    if errors:
        sys.exit("\n".join(errors))
    json.dump(objects, sys.stdout)


def errors_of(item: dict[str, Any]) -> list[str]:
    name = f"{item.get('kind')} {item.get('metadata', {}).get('name')}"
    validate: Callable[[dict[str, Any]], None] = kubernetes_object
    if item.get("apiVersion") == "monitoring.coreos.com/v1":
        validate = operator_object
    try:
        validate(item)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError, pydantic.ValidationError) as error:
        return [f"{name}: {error}"]
    return []


def kubernetes_object(item: dict[str, Any]) -> None:
    for version in VERSIONS:
        kubernetes_validate.validate(item, version, strict=True)


def operator_object(item: dict[str, Any]) -> None:
    # Set before the models are created, which inherit it. Creating them takes seconds.
    cloudcoil.pydantic.BaseModel.model_config.update(extra="forbid", populate_by_name=False)
    from cloudcoil.models.prometheus_operator import v1

    getattr(v1, item["kind"]).model_validate(item)


if __name__ == "__main__":
    main()
