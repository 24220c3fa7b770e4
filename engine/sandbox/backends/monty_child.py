"""Run a person's Python in Monty, in a process with limits (engine/sandbox/backends/monty.py starts it).

Run as a script: {code, inputs, left, seconds, memory, limits} as JSON in the first argument. Says what the code says,
and writes its `output` to the descriptor `left` as the other sandboxes do (../left_files.py).
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

_ROOT = str(Path(__file__).resolve().parents[3])
_NAME = '"<python-input-0>"'  # how Monty calls the code in its errors
_OUTPUT = b".output"
_LATER_SECONDS = 5


def main() -> int:
    """Run the code, keep its output, return the exit status."""
    sys.path.append(_ROOT)
    request = json.loads(sys.argv[1])
    for name, most in request["limits"].items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    from pydantic_monty import (  # type: ignore[import-not-found,unused-ignore] # optional
        Monty,
        MontyError,
        ResourceLimits,
    )

    # What waits, or computes, for longer is ended from outside.
    most = float(request["seconds"] + _LATER_SECONDS)
    limits = ResourceLimits(
        max_feed_duration_secs=most, max_total_sleep_secs=most, max_suspensions=10**9, max_memory=request["memory"]
    )
    with Monty() as pool, pool.checkout(limits=limits, os_policy={"sleep_system_max": most}) as session:
        try:
            found = _output(session, request)
        except MontyError as error:
            shown = error.display() if hasattr(error, "display") else f"{error}"
            sys.stderr.write(shown.replace(_NAME, '"/code/main.py"') + "\n")
            return 1
    from engine.sandbox.inside.leaving import head
    from engine.sandbox.inside.python_front import json_of

    with os.fdopen(request["left"], "wb") as left:
        if found:
            try:
                text = json_of(found[0]).encode()
            except TypeError as error:
                sys.stderr.write(f"TypeError: {error}\n")
                return 1
            left.write(head(len(_OUTPUT), len(text)) + _OUTPUT + text)
        left.write(head(0, 0))
    return 0


def _output(session: Any, request: dict[str, Any]) -> list[Any]:
    """Run the code, return what it assigned to `output`, if anything."""
    from pydantic_monty import MontyRuntimeError

    inputs = json.loads(Path(request["inputs"]).read_text(encoding="utf-8"))
    code = Path(request["code"]).read_text(encoding="utf-8")
    session.feed_run(code, inputs={"inputs": inputs}, print_callback=_say)
    try:
        return [session.feed_run("output", print_callback=_say)]
    except MontyRuntimeError as error:
        if str(error).startswith("NameError"):
            return []
        raise


def _say(stream: str, text: str) -> None:
    to = sys.stderr if stream == "stderr" else sys.stdout
    to.write(text)
    to.flush()


if __name__ == "__main__":
    sys.exit(main())
