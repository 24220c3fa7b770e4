"""`make bench`: runs each benchmark in a process of its own, prints the figures, and writes `bench/results.json`."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import pkgutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bench import browser, checking, runs, server
from bench.base.figures import measured

FOLDERS = (runs, checking, server, browser)
RESULTS = Path(__file__).with_name("results.json")
ORDER = (
    "W1",
    "W1k",
    "W2",
    "W3",
    "W4",
    "W5_list",
    "W5_open",
    "W6_same",
    "W6_different",
    "W7",
    "compile",
    "outside_run",
    "outside_compile",
    "calls",
    "idle_mib",
    "idle_cpu",
    "waiting_mib",
    "pages_cpu",
    "pages_2000_cpu",
    "sockets_cpu",
    "rest_runs",
    "rest_workflows",
    "rest_execute",
    "reads_200_p99",
    "matrix",
    "code",
    "mail_archive",
    "pages_shown",
    "canvas_shown",
    "canvas_open",
    "canvas_fps",
    "first_word",
)
MANY_ARE_GOOD = frozenset({"W3", "mail_archive", "rest_runs", "rest_workflows", "rest_execute", "canvas_fps"})
"""Benchmarks whose figure is a rate: more is better."""


def main(wanted: list[str]) -> None:
    """Run the benchmarks (all, or those named) and report; figures of the others stay as they were."""
    known = works()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"There is no work {unknown[0]}; there are {', '.join(known)}.")
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in wanted or known:
        figures = measured_apart(known[name])
        print(_line(name, figures), flush=True)
        for more, found in figures.get("more", {}).items():
            values = found if isinstance(found, list) else [found]
            print(f"  {more}: {', '.join(f'{value:.4g}' for value in values)}", flush=True)
        results[name] = {key: figures[key] for key in ("ours", "limit", "ratio", "goal")}
        ordered = {key: results[key] for key in known if key in results}
        RESULTS.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")


def works() -> dict[str, str]:
    """Return {benchmark: module} for every module in one of the folders that has a `WORK` and a `measure()`."""
    names = [one.name for folder in FOLDERS for one in pkgutil.iter_modules(folder.__path__, f"{folder.__name__}.")]
    modules = [importlib.import_module(name) for name in names]
    found = {module.WORK: module.__name__ for module in modules if hasattr(module, "WORK")}
    return {name: found[name] for name in (*ORDER, *sorted(found.keys() - set(ORDER)))}


def measured_apart(module: str) -> dict[str, Any]:
    """Measure in a fresh process, so that no benchmark profits from the warm caches, threads or memory of another."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measured, module).result()


def _line(name: str, figures: dict[str, Any]) -> str:
    ours, limit, ratio, goal = (figures[key] for key in ("ours", "limit", "ratio", "goal"))
    wanted = 1 if limit == goal else goal  # an absolute goal is itself the limit
    is_met = ratio >= wanted if name in MANY_ARE_GOOD else ratio <= wanted
    said = f"{name:<16}{ours:10.3f} {figures['unit']:<8} limit {limit:10.3f}  ratio {ratio:7.3f}  goal {goal:g}"
    return said if is_met else f"{said}  NOT MET"


if __name__ == "__main__":
    main(sys.argv[1:])
