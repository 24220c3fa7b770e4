"""`make bench-peers`: the chain, many runs and the cold start on other durable engines, beside ours and the limits.

The peers run in an environment of their own; each of their rounds is followed by its limit.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.__main__ import measured_apart, works
from bench.runs import cold_start

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
RESULTS = ROOT / "evals" / "peers.json"
WORKS = ("W1", "W3", "W4")
PEERS = {"langgraph": "evals.peers.on_langgraph", "dbos": "evals.peers.on_dbos"}
_COLD_STARTS = 5


def main() -> None:
    """Measure, print and save."""
    if not PYTHON.exists():
        sys.exit("The environment of the peers is missing: run `make bench-peers`.")
    results: dict[str, Any] = {}
    for work in [one for one in WORKS if one in works()]:
        results[work] = _compared(work)
        print(_line(work, results[work]), flush=True)
        RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _compared(work: str) -> dict[str, Any]:
    """Return {name: {figure, limit, ratio}} for our engine and each peer."""
    ours = measured_apart(works()[work])
    peers = {name: _beside(*_peer(module, work)) for name, module in PEERS.items()}
    return {"unit": ours["unit"], "ours": _beside([ours["ours"]], [ours["limit"]]), **peers}


def _beside(figures: Sequence[float], limits: Sequence[float]) -> dict[str, float]:
    """Return medians; the ratio is the median over the rounds, each compared with its own limit."""
    ratio = statistics.median(figure / limit for figure, limit in zip(figures, limits, strict=True))
    found = {"figure": statistics.median(figures), "limit": statistics.median(limits), "ratio": ratio}
    return {name: float(f"{figure:.4g}") for name, figure in found.items()}


def _peer(module: str, work: str) -> tuple[list[float], list[float]]:
    if work != "W4":
        found = json.loads(_ran(module, work))
        return found["figures"], found["limits"]
    _ran(module, work)  # puts its files into the cache, as ours are
    pairs = [(_seconds(lambda: _ran(module, work)), _seconds(_imports)) for _ in range(_COLD_STARTS)]
    return [figure for figure, _ in pairs], [limit for _, limit in pairs]


def _imports() -> None:
    subprocess.run(cold_start.LIMIT, check=True)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _ran(module: str, work: str) -> str:
    command = [str(PYTHON), "-m", module, work]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=900)
    return done.stdout.splitlines()[-1]


def _line(work: str, found: dict[str, Any]) -> str:
    told = [f"{name} {found[name]['figure']:g} (ratio {found[name]['ratio']:.2f})" for name in ("ours", *PEERS)]
    return f"{work:<4}{found['unit']:<8} {'   '.join(told)}"


if __name__ == "__main__":
    main()
