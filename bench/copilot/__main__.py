"""`make copilot-eval`: 120 requests to the co-pilot, and whether the judge finds their good answers right."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.copilot.figures import table
from bench.copilot.good import good_verdict
from bench.copilot.judging import Verdict
from bench.copilot.requests import Kind, Request, requests
from bench.copilot.unaided import by_rules
from bench.copilot.world import world

RESULTS = Path(__file__).resolve().parents[1] / "copilot.json"


def main() -> None:
    """Answer, judge, print and save."""
    parser = argparse.ArgumentParser(prog="python -m bench.copilot", description=__doc__)
    parser.add_argument("--kinds", nargs="+", default=[*Kind], choices=[*Kind], type=Kind)
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="requests, such as create-01")
    options = parser.parse_args()
    asked = [one for one in requests() if one.kind in options.kinds and (not options.only or one.id in options.only)]
    began = time.monotonic()
    print(f"The good answers, proposed without a conversation ({len(asked)} requests):")
    verdicts = _of_good_answers(asked)
    _tell(asked, verdicts)
    print("Without a model, by the rules:")
    with world() as made:
        _tell(asked, {one.id: [by_rules(made, one)] for one in asked}, with_faults=False)
    print(f"{time.monotonic() - began:.0f} s; each answer is in {RESULTS}.")
    sys.exit(not all(one.passed for of_request in verdicts.values() for one in of_request))


def _of_good_answers(asked: Sequence[Request]) -> dict[str, list[Verdict]]:
    with world() as made:
        return {one.id: [good_verdict(made, one)] for one in asked}


def _tell(asked: Sequence[Request], verdicts: dict[str, list[Verdict]], *, with_faults: bool = True) -> None:
    print(table(asked, verdicts))
    for one in (one for of_request in verdicts.values() for one in of_request if with_faults and not one.passed):
        print(f"  {one.request}: {' '.join([*one.faults, *one.demo_faults])}")
    RESULTS.write_text(json.dumps([asdict(one) for of in verdicts.values() for one in of], indent=1) + "\n")


if __name__ == "__main__":
    main()
