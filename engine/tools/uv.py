"""Run uv, which finds, downloads and unpacks the packages of tools; nothing of a package runs meanwhile."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from clients.errors import InvalidRequest, ServiceError, Unavailable
from clients.service import install_command

LONGEST_SECONDS = 300
WHEELS = ("--only-binary", ":all:")
"""To build anything else, code of the package would run."""
_PASSED = re.compile(
    r"(PATH|HOME|LANG|LC_\w+|TMPDIR|XDG_\w+|NETRC|SSL_CERT_\w+|UV_\w+|(HTTPS?|ALL|NO)_PROXY)\Z", re.IGNORECASE
)
"""Variables that uv gets: where the index is, and how to reach it. The keys of this program stay here."""
_REMEDIES = (
    ("no usable wheels", "Take a version, or another package, that has a wheel: other packages run code to be built."),
    ("no wheels with a matching", "Take a version, or another package, that has a wheel for this machine."),
    ("Hash mismatch", "The index gives another file than the one that was locked: lock the tool again, and look why."),
    ("was not found in the package", "Correct the name of the package."),
    ("No solution found", "Change the dependencies, so that one version of each package fits all of them."),
)
_OFFLINE = ("Failed to fetch", "Request failed", "error sending request", "network was disabled", "not found in the ca")
_LONGEST_SAID = 600


def uv_program() -> str:
    """Return the path of uv, beside this Python or in PATH; empty if it is not installed."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("uv") or ""


def missing_uv() -> InvalidRequest:
    """Return the error for a machine without uv."""
    return InvalidRequest(
        "The packages of tools need uv, which is not installed.",
        service="code",
        remedy=f"Install it: `{install_command('tools')}`.",
    )


def run_uv(arguments: Sequence[str], what: str, given: str = "") -> str:
    """Run `uv pip`; return what it prints. Blocking.

    `what` begins the sentence of an error. Raises InvalidRequest (uv is missing, or cannot do it) and Unavailable (the
    index of packages does not answer).
    """
    program = uv_program()
    if not program:
        raise missing_uv()
    environment = {name: value for name, value in os.environ.items() if _PASSED.match(name)}
    try:
        ended = subprocess.run(
            [program, "pip", *arguments, "--no-progress", "--color", "never", "--no-python-downloads"],
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST_SECONDS,
            check=False,
            cwd="/",  # uv obeys uv.toml and .venv of any folder above it: in /tmp, they may be a stranger's
            env=environment,
        )
    except subprocess.TimeoutExpired:
        remedy = "Try again, or take fewer and smaller packages."
        raise _unreachable(what, f"it took longer than {LONGEST_SECONDS} seconds", remedy) from None
    if ended.returncode:
        raise _failure(what, ended.stderr)
    return ended.stdout


def _failure(what: str, said: str) -> ServiceError:
    lines = [one.strip().removeprefix("cause: ") for one in said.splitlines() if one.strip()]
    lines = [one for one in lines if not one.startswith("warning:")]
    reason = " ".join(lines).removeprefix("error: ").removeprefix("No solution found when resolving dependencies ")
    reason = re.sub(r"//[^/@\s]*@", "//", reason)[:_LONGEST_SAID].rstrip(".") or "uv does not say why"
    if any(one in said for one in _OFFLINE):
        return _unreachable(what, reason, "Try again with a network connection; the index of packages must answer.")
    remedy = next((remedy for words, remedy in _REMEDIES if words in said), "Read the message; it comes from uv.")
    return InvalidRequest(f"{what}: {reason}.", service="code", remedy=remedy)


def _unreachable(what: str, reason: str, remedy: str) -> Unavailable:
    return Unavailable(f"{what}: {reason}.", service="code", remedy=remedy, outcome="not_done")
