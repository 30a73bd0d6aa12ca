"""Validates Kubernetes objects strictly and prints them as JSON.

usage: objects.py <MANIFESTS

An unknown field, a wrong type, a key that is there twice: each is an objection. Objects of Kubernetes are
held against its schemas, the oldest that the chart allows and the newest that is known; those of the
Prometheus Operator against models of its resource definitions.
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
    """Refuses a key that is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def main() -> None:
    objects = [item for item in yaml.load_all(sys.stdin, Loader) if item]
    objections = [text for item in objects for text in objections_to(item)]
    names = [(item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]) for item in objects]
    objections += [f"{name} is there twice" for name in sorted(set(names), key=str) if names.count(name) > 1]
    if objections:
        sys.exit("\n".join(objections))
    json.dump(objects, sys.stdout)


def objections_to(item: dict[str, Any]) -> list[str]:
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
    # Before the models are made, which take it over. Making them takes seconds.
    cloudcoil.pydantic.BaseModel.model_config.update(extra="forbid", populate_by_name=False)
    from cloudcoil.models.prometheus_operator import v1

    getattr(v1, item["kind"]).model_validate(item)


if __name__ == "__main__":
    main()
