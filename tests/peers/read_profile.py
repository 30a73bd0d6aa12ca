"""Prints how the official SDK reads the profile file below each home on the command line: [id, key]
of the profile "default", or null if it finds none."""

import json
import os
import sys

from tencentcloud.common.credential import ProfileCredential

found = []
for home in sys.argv[2:]:
    os.environ["HOME"] = home
    try:
        credential = ProfileCredential().get_credential()
        found.append(credential and [credential.secret_id, credential.secret_key])
    except Exception:
        found.append(None)
print(json.dumps(found))
