"""Validates a CycloneDX SBOM against the schema of its version."""

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text())
if error:
    sys.exit(f"not valid CycloneDX 1.6: {error.data.message}")
