"""`make bench-peers`: the chain, many runs and the cold start on other durable engines, beside ours and our limits.

The peers run in an environment of their own. Our figures and their limit are taken right before each peer and right
after it: the limit of a peer is the mean of the two.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.__main__ import measured_apart, works

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
RESULTS = ROOT / "bench" / "peers.json"
WORKS = ("W1", "W3", "W4")
PEERS = {"langgraph": "bench.peers.on_langgraph", "dbos": "bench.peers.on_dbos"}
_COLD_STARTS = 5


def main() -> None:
    """Measure, print and write down."""
    if not PYTHON.exists():
        sys.exit("The environment of the peers is missing: run `make bench-peers`.")
    results: dict[str, Any] = {}
    for work in [one for one in WORKS if one in works()]:
        results[work] = _compared(work)
        print(_line(work, results[work]), flush=True)
        RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _compared(work: str) -> dict[str, Any]:
    """Return {name: {figure, limit, ratio}} of ours and of each peer."""
    ours = [measured_apart(works()[work])]
    peers = {}
    for name, module in PEERS.items():
        figure = statistics.median(_peer(module, work, ours[0]["unit"]))
        ours.append(measured_apart(works()[work]))
        limit = statistics.mean(one["limit"] for one in ours[-2:])
        peers[name] = {"figure": _short(figure), "limit": _short(limit), "ratio": _short(figure / limit)}
    figure, limit, ratio = (_short(statistics.median(one[key] for one in ours)) for key in ("ours", "limit", "ratio"))
    return {"unit": ours[0]["unit"], "ours": {"figure": figure, "limit": limit, "ratio": ratio}, **peers}


def _peer(module: str, work: str, unit: str) -> list[float]:
    if work != "W4":
        found: list[float] = json.loads(_ran(module, work))
        return found
    scale = {"s": 1.0, "ms": 1000.0}[unit]
    _ran(module, work)  # its files are in the cache then, as ours are
    return [scale * _seconds(module, work) for _ in range(_COLD_STARTS)]


def _seconds(module: str, work: str) -> float:
    began = time.perf_counter()
    _ran(module, work)
    return time.perf_counter() - began


def _ran(module: str, work: str) -> str:
    command = [str(PYTHON), "-m", module, work]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=900)
    return done.stdout.splitlines()[-1]


def _line(work: str, found: dict[str, Any]) -> str:
    told = [f"{name} {found[name]['figure']:g} (ratio {found[name]['ratio']:.2f})" for name in ("ours", *PEERS)]
    return f"{work:<4}{found['unit']:<8} {'   '.join(told)}"


def _short(figure: float) -> float:
    return float(f"{figure:.4g}")


if __name__ == "__main__":
    main()
