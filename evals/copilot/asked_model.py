"""The requests through a real model: each several times, kept after each, so that an evaluation can go on later."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from evals.copilot.conversation import talked
from evals.copilot.judging import Verdict, judged
from evals.copilot.requests import Request
from evals.copilot.world import ModelServer, world

Tell = Callable[[str], None]
Verdicts = dict[str, list[Verdict]]


def by_model(
    asked: Sequence[Request], server: ModelServer, runs: int, kept: Path, tell: Tell
) -> Mapping[str, Sequence[Verdict]]:
    """Ask a model each request `runs` times, and judge its answers; what `kept` has of it is not asked again.

    `tell` gets a line for each answer.
    """
    verdicts = _kept(kept, server.model)
    with world(server) as made:
        for request in asked:
            done = verdicts.setdefault(request.id, [])
            while len(done) < runs:
                found = talked(made, request)
                verdict = judged(request, found.reply)
                done.append(verdict)
                faults = [*found.broken, *verdict.faults, *verdict.demo_faults]
                tell(f"{request.id} {len(done)}: {'right' if verdict.passed else ' '.join(faults)}")
                _keep(kept, server.model, verdicts)
    return {one.id: verdicts[one.id][:runs] for one in asked}


def _kept(path: Path, model: str) -> Verdicts:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if found.get("model") != model:
        return {}
    return {id_: [Verdict(**one) for one in some] for id_, some in found["verdicts"].items()}


def _keep(path: Path, model: str, verdicts: Verdicts) -> None:
    of = {id_: [asdict(one) for one in some] for id_, some in verdicts.items()}
    path.write_text(json.dumps({"model": model, "verdicts": of}, indent=1) + "\n", encoding="utf-8")
