"""Run a command in the writable folder of a child behind walls (engine/sandbox/work.py starts it).

Run as a script: {command, limits, left} as JSON in the first argument, what the command reads on stdin. Says what the
command says, exits as it exits, and writes the files of the folder as a tar to the descriptor `left`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 - that of the child
_NOT_FOUND = 127
_OUT, _WORDS = 1, 2


def main() -> int:
    """Run the command, write what it left, return the exit status."""
    sys.path.append(_ROOT)
    from engine.sandbox.limits import Limits

    request = json.loads(sys.argv[1])
    limits = Limits(**request["limits"])
    try:
        ended = subprocess.run(request["command"], preexec_fn=limits.apply, env=_ENVIRONMENT, check=False)
    except OSError as error:
        sys.stderr.write(f"{request['command'][0]}: {error.strerror}")
        return _NOT_FOUND
    os.close(_OUT)
    os.close(_WORDS)
    with os.fdopen(request["left"], "wb") as left, tarfile.open(fileobj=left, mode="w|") as archive:
        archive.add(".", recursive=True)
    return ended.returncode if ended.returncode >= 0 else 128 - ended.returncode


if __name__ == "__main__":
    os._exit(main())
