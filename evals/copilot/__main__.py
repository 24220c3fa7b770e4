"""`make copilot-eval`: 120 requests to the co-pilot, through a scripted model or through a real one."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from evals.copilot.asked_model import by_model
from evals.copilot.conversation import Seen
from evals.copilot.figures import table
from evals.copilot.good import good_verdict
from evals.copilot.judging import Verdict
from evals.copilot.obeying import obeying
from evals.copilot.requests import Kind, Request, requests
from evals.copilot.short import in_short_form, short_table
from evals.copilot.ways import WAYS, in_every_way
from evals.copilot.world import ModelServer, world

RESULTS = Path(__file__).resolve().parents[1] / "copilot.json"
_OF_MODEL = RESULTS.with_name("copilot-model.json")
_BAD_WAYS_FOR_EACH = 4
"""Every so many-th request is also answered in the bad ways."""


def main() -> None:
    """Answer, judge, print and save."""
    options = _options()
    asked = [one for one in requests() if one.kind in options.kinds and (not options.only or one.id in options.only)]
    began = time.monotonic()
    if options.model:
        verdicts = by_model(asked, _server(options), options.runs, options.kept, _say)
        print(f"{options.model}, {options.runs} runs of each request:")
        print(table(asked, verdicts))
        print(f"{time.monotonic() - began:.0f} s; each answer is in {options.kept}.")
        return
    if options.short:
        sys.exit(not _in_short_form(asked))
    is_right = _without_a_real_model(asked, has_all_ways=options.all_ways)
    print(f"{time.monotonic() - began:.0f} s; each answer is in {RESULTS}.")
    sys.exit(not is_right)


def _in_short_form(asked: Sequence[Request]) -> bool:
    print(f"The good answers in the short form ({len(asked)} requests):")
    found = [*in_short_form(asked)]
    print(short_table(found))
    for one in (one for one in found if one.faults):
        print(f"  {one.request.id}: {' '.join(one.faults)}")
    return not any(one.faults for one in found)


def _say(line: str) -> None:
    print(line, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.copilot", description=__doc__)
    parser.add_argument("--kinds", nargs="+", default=[*Kind], choices=[*Kind], type=Kind)
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="requests, such as create-01")
    parser.add_argument("--all-ways", action="store_true", help="each request in every bad way, not every fourth")
    parser.add_argument("--short", action="store_true", help="the form for models that read little at once")
    parser.add_argument("--model", default="", help="ask this model of a server in the OpenAI form")
    parser.add_argument("--url", default="https://api.openai.com/v1", help="its server")
    parser.add_argument("--key", default="OPENAI_API_KEY", metavar="VARIABLE", help="the variable that has its key")
    parser.add_argument("--kept", type=Path, default=_OF_MODEL, help="the file of what a model has answered")
    parser.add_argument("--runs", type=int, default=3, help="how often each request is asked")
    return parser.parse_args()


def _server(options: argparse.Namespace) -> ModelServer:
    key = os.environ.get(options.key, "")
    if not key:
        sys.exit(f"The variable {options.key} is not set: it has the key of {options.url}. --key names another one.")
    return ModelServer(options.url, options.model, key)


def _without_a_real_model(asked: Sequence[Request], *, has_all_ways: bool) -> bool:
    print(f"The good answers, proposed without a conversation ({len(asked)} requests):")
    with world() as made:
        verdicts = {one.id: [good_verdict(made, one)] for one in asked}
    _tell(asked, verdicts)
    print("Through the conversation with a scripted model:")
    some = asked if has_all_ways else asked[::_BAD_WAYS_FOR_EACH]
    seen = [*in_every_way(asked, ["good"]), *in_every_way(some, [one for one in WAYS if one != "good"])]
    seen += obeying(asked)
    _tell_ways(seen)
    is_good = all(one.passed for of_request in verdicts.values() for one in of_request)
    return is_good and not any(one.faults for one in seen)


def _tell_ways(seen: Sequence[Seen]) -> None:
    all_, right = Counter(one.way for one in seen), Counter(one.way for one in seen if not one.faults)
    for way, count in all_.items():
        print(f"{way:<24}{right[way]} of {count} as it must be")
    for one in seen:
        if one.faults:
            print(f"  {one.request}, {one.way}: {' '.join(one.faults)}")


def _tell(asked: Sequence[Request], verdicts: Mapping[str, list[Verdict]]) -> None:
    print(table(asked, verdicts))
    for one in (one for of_request in verdicts.values() for one in of_request if not one.passed):
        print(f"  {one.request}: {' '.join([*one.faults, *one.demo_faults])}")
    RESULTS.write_text(json.dumps([asdict(one) for of in verdicts.values() for one in of], indent=1) + "\n")


if __name__ == "__main__":
    main()
