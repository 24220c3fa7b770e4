"""Read one untrusted file in a child process with limits (engine/sandbox/reading.py starts it).

Run as a script: the request as JSON in the first argument. The file is an open descriptor, and so is the file that
a large table is written to. On stdout the answer as JSON; exits with 2 and a sentence on stderr if the file is refused,
with 3 if it needs more memory.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])
REFUSED, NO_MEMORY = 2, 3


def main() -> int:
    """Read the file of the request, write the answer, return the exit status."""
    sys.path.append(_ROOT)
    from engine.sandbox.limits import ChildLimits

    gc.set_threshold(100_000, 50, 50)  # cells live until the end: to look through them took a quarter of the time
    request = json.loads(sys.argv[1])
    ChildLimits(**request["limits"]).apply()
    from engine.sandbox.readers.source import FileRefused, SourceFile

    try:
        from engine.sandbox.readers.tasks import answer

        with os.fdopen(request["handle"], "rb") as content:
            found = answer(SourceFile(content, request["name"], request["out"]), request["task"], request["options"])
        written = _encoded(found)
    except FileRefused as error:
        return _said(REFUSED, str(error))
    except MemoryError:
        return _said(NO_MEMORY, "")
    except RecursionError:
        return _said(REFUSED, "The file is nested too deeply.")
    sys.stdout.buffer.write(written)
    sys.stdout.buffer.flush()
    return 0


def _encoded(found: object) -> bytes:
    import orjson

    return orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS)


def _said(status: int, sentence: str) -> int:
    sys.stderr.write(sentence)
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    status = main()
    os._exit(status)  # without the libraries' own clean-up, which a broken file may break
