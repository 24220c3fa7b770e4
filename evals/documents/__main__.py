"""`python -m evals.documents [PYTHON]`: reads documents of our own as steps do, and with markitdown.

PYTHON is the interpreter of an environment with markitdown; without it, this one is tried. Ours reads each file in a
child process with limits, which starts anew each time; so does "markitdown, alone", but without limits. "markitdown,
loaded" is the second time in that process. Each round reads with all three in turn.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from evals.documents.made import FILES

_ROOT = Path(__file__).resolve().parents[2]
_ROUNDS = 5
_SECONDS = 600
_HEAD = (
    "| Document | KB | Ours | markitdown, alone | markitdown, loaded | Ours to alone | to loaded | Memory: ours"
    " | markitdown |"
)


class Round(NamedTuple):
    """One round: seconds, and the peak of memory in MB."""

    ours: float
    our_mb: float
    alone: float = 0.0
    """Loading markitdown, and reading the document once."""
    loaded: float = 0.0
    """Reading it again in the same process."""
    peer_mb: float = 0.0


def main(arguments: Sequence[str]) -> None:
    """Print a table: median seconds, their ratios, and the peak of memory in MB."""
    python = arguments[0] if arguments else sys.executable
    has_peer = _runs(python, "-c", "import markitdown") is not None
    if not has_peer:
        sys.stdout.write(f"markitdown is not installed for {python}: only our figures follow.\n")
    sys.stdout.write(f"{_HEAD}\n|{' --- |' * _HEAD.count(' | ')} --- |\n")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in FILES.items():
            path = Path(folder) / name
            path.write_bytes(make())
            sys.stdout.write(f"| {' | '.join(_row(path, python if has_peer else ''))} |\n")
            sys.stdout.flush()


def _row(path: Path, python: str) -> Iterator[str]:
    rounds = [_round(path, python) for _ in range(_ROUNDS)]
    yield path.name
    yield f"{path.stat().st_size / 1000:,.0f}"
    yield f"{_median(one.ours for one in rounds):.2f}"
    if python:
        yield f"{_median(one.alone for one in rounds):.2f}"
        yield f"{_median(one.loaded for one in rounds):.3f}"
        yield f"{_median(one.ours / one.alone for one in rounds):.2f}"
        yield f"{_median(one.ours / one.loaded for one in rounds):.2f}"
    else:
        yield from ("", "", "", "")
    yield f"{max(one.our_mb for one in rounds):.0f}"
    yield f"{max(one.peer_mb for one in rounds):.0f}" if python else ""


def _round(path: Path, python: str) -> Round:
    """Read a document in turn: with ours, with markitdown in a process of its own, and once more in that process."""
    ours = _figures(sys.executable, "evals.documents.ours", path)
    if not python:
        return Round(ours["seconds"], ours["peak_mb"])
    begun = time.perf_counter()
    peer = _figures(python, "evals.documents.peer", path)
    seconds = time.perf_counter() - begun
    again = peer["seconds"][1]
    return Round(ours["seconds"], ours["peak_mb"], seconds - again, again, peer["peak_mb"])


def _median(figures: Iterable[float]) -> float:
    return statistics.median(figures)


def _figures(python: str, module: str, path: Path) -> Any:
    said = _runs(python, "-m", module, str(path))
    assert said is not None, f"{module} failed for {path.name}"
    return json.loads(said.splitlines()[-1])


def _runs(*command: str) -> str | None:
    """Return what a command writes, None if it fails."""
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False)
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    main(sys.argv[1:])
