"""`make bench`: prints each figure beside its limit, and writes `bench/results.json`."""

from __future__ import annotations

import json
from pathlib import Path

from bench import chain

GOALS = {"W1": 2.0}


def main() -> None:
    """Measure and report."""
    results = {"W1": {**chain.measure(), "goal": GOALS["W1"]}}
    for name, figures in results.items():
        ours, limit, ratio = (figures[key] for key in ("ours", "limit", "ratio"))
        print(f"{name}: {ours:.3f} ms a step, limit {limit:.3f} ms, ratio {ratio:.2f} (goal {figures['goal']})")
    path = Path(__file__).with_name("results.json")
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
