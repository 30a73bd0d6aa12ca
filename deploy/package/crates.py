"""What cargo says is in the binary."""

import json
import subprocess

TARGET = "x86_64-unknown-linux-gnu"


class Crates:
    """The crates that are linked: not those that only build scripts, macros or tests use."""

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
        """The crates that a crate is linked with."""
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
    """The license as an SPDX expression; before 2019 a slash stood for OR."""
    if not package["license"]:
        raise SystemExit(f"{name_of(package)} names no license")
    return package["license"].replace("/", " OR ") if " " not in package["license"] else package["license"]
