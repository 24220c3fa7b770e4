"""`make bench-workers`: prints the figures of workers on PostgreSQL, and writes `evals/workers.json`.

The names of parts, as arguments, choose: throughput, latency, takeover, waking, idle, million, peers.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from evals.workers import base, million, peers
from evals.workers.by_pgqueuer import PACKAGES
from evals.workers.crew import Crew, crew
from evals.workers.place import done
from evals.workers.promises import idle, start_latency, takeover, waking

RESULTS = Path(__file__).parents[1] / "workers.json"
ROUNDS = 3
CASES = {(1, 100): (500, None), (2, 100): (1000, 0.85), (4, 100): (1000, None), (2, 1000): (2000, 0.35)}
"""{(workers, slots): (runs, goal)}"""
Figures = dict[str, Any]
Found = Iterator[tuple[str, Figures]]


def main(wanted: list[str]) -> None:
    """Measure the parts that are named, or all."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        sys.exit(f"There is no part {unknown[0]}; there are {', '.join(PARTS)}.")
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in wanted or PARTS:
        for key, figures in PARTS[name]():
            shown = ", ".join(f"{what} {_short(value)}" for what, value in figures.items())
            sys.stdout.write(f"{key:<14}{shown}\n")
            sys.stdout.flush()
            results[key] = {what: _short(value) for what, value in figures.items()}
            RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _throughput() -> Found:
    """Yield {workers x slots: runs per second, those without a queue, their ratio, those of a plain loop, costs}."""
    with crew() as place:
        acceptance, texts = place.example()
        for workers, slots in CASES:
            yield f"{workers}x{slots}", _case(place, acceptance, texts, (workers, slots))


def _case(place: Crew, acceptance: str, texts: list[str], case: tuple[int, int]) -> Figures:
    (workers, slots), (runs, goal) = case, CASES[case]
    place.hire(workers, slots)
    place.worked_off(100 * workers)
    rounds = []
    for _ in range(ROUNDS):
        base.prepare(place.url, acceptance, texts, workers, runs)
        limit, cost = base.measured(place.url, workers, slots, runs)
        before = done(place.url, place.pids)
        ours = runs / place.worked_off(runs)
        rounds.append((ours, limit, done(place.url, place.pids).since(before, runs), cost))
    place.dismiss()
    ours = statistics.median(one for one, *_ in rounds)
    no_queue, pgqueuer = _without_queue(place, case), _by_pgqueuer(place, case)
    figures: Figures = {
        "runs_per_second": ours,
        "no_queue": no_queue,
        "ratio": ours / no_queue,
        "goal": goal,
        "pgqueuer": pgqueuer,
        "ratio_to_pgqueuer": pgqueuer and ours / pgqueuer,
        "loop": statistics.median(limit for _, limit, *_ in rounds),
        "ratio_to_loop": statistics.median(ours / limit for ours, limit, *_ in rounds),
    }
    for name in rounds[0][2]:
        figures[name] = statistics.median(one[2][name] for one in rounds)
        figures[f"loop_{name}"] = statistics.median(one[3][name] for one in rounds)
    return figures


def _without_queue(place: Crew, case: tuple[int, int]) -> float:
    """Return the runs per second of the same workers if each knows its share of the runs from the start."""
    place.hire_without_queue(*case)
    return _otherwise(place, case, place.worked_off)


def _by_pgqueuer(place: Crew, case: tuple[int, int]) -> float | None:
    """Return the runs per second of the same workers if PgQueuer hands out the runs; None without `.venv-peers`."""
    if not (PACKAGES / "pgqueuer").exists():
        return None
    place.hire_by_pgqueuer(*case)
    return _otherwise(place, case, partial(place.worked_off, by_pgqueuer=True))


def _otherwise(place: Crew, case: tuple[int, int], worked_off: Callable[[int], float]) -> float:
    """Return the runs per second of the workers that are hired, and dismiss them."""
    runs, _ = CASES[case]
    worked_off(100 * case[0])
    found = statistics.median(runs / worked_off(runs) for _ in range(ROUNDS))
    place.dismiss()
    return found


def _latency() -> Found:
    with crew() as place:
        yield "latency", {**start_latency(place), "goal": 20}


def _takeover() -> Found:
    with crew() as place:
        found = takeover(place)
    yield "takeover", {"median_seconds": statistics.median(found), "longest": max(found), "goal": 5}


def _waking() -> Found:
    """Yield what it costs that processes hear of runs; ORCHESTRA_QUEUE names the broker by which they do, if any."""
    with crew() as place:
        broker = os.environ.get("ORCHESTRA_QUEUE", "").partition(":")[0].removeprefix("taskiq+")
        yield f"waking_{broker or 'notify'}", waking(place)


def _idle() -> Found:
    with crew() as place:
        yield "idle", {**idle(place), "goal": 90}


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


PARTS: dict[str, Callable[[], Found]] = {
    "throughput": _throughput,
    "latency": _latency,
    "takeover": _takeover,
    "waking": _waking,
    "idle": _idle,
    "million": million.measured,
    "peers": peers.measured,
}

if __name__ == "__main__":
    main(sys.argv[1:])
