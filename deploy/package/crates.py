"""The crates in the binary, according to cargo."""

import json
import subprocess

TARGET = "x86_64-unknown-linux-gnu"


class Crates:
    """The crates that are linked, without crates that only build scripts, macros or tests use."""

    def __init__(self) -> None:
        command = ["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform", TARGET]
        metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        self._packages = {package["id"]: package for package in metadata["packages"]}
        self._nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
        root = metadata["resolve"]["root"]
        self.root = self._packages[root]
        reached: set[str] = set()
        open_ends = [root]
        while open_ends:
            crate = open_ends.pop()
            if crate not in reached:
                reached.add(crate)
                open_ends += self._linked_with(crate)
        self.others = sorted((self._packages[crate] for crate in reached - {root}), key=name_of)

    def used_by(self, crate: dict) -> list[dict]:
        """Returns the linked dependencies of a crate."""
        return sorted((self._packages[other] for other in self._linked_with(crate["id"])), key=name_of)

    def _linked_with(self, crate: str) -> list[str]:
        linked = (
            dependency["pkg"]
            for dependency in self._nodes[crate]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
        )
        return [other for other in linked if not is_macro(self._packages[other])]


def is_macro(package: dict) -> bool:
    return any("proc-macro" in target["kind"] for target in package["targets"])


def name_of(package: dict) -> str:
    return f"{package['name']} {package['version']}"


def license_of(package: dict) -> str:
    """Returns the license as an SPDX expression. Old manifests have a slash instead of OR."""
    if not package["license"]:
        raise SystemExit(f"{name_of(package)} has no license in its manifest")
    return package["license"].replace("/", " OR ") if " " not in package["license"] else package["license"]
