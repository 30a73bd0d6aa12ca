"""Judges a CycloneDX bill by the schema of its version."""

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text())
if fault:
    sys.exit(f"no CycloneDX 1.6: {fault.data.message}")
