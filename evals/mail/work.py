"""The work that takes many questions each: tasks of agents, requests to the co-pilot, programs; off unless named.

Each is an evaluation of its own, which is called here with a connection: `evals.agentdojo`, `evals.copilot`,
`evals.humaneval`.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from engine.sandbox.walls import walls
from evals.mail.judging import Outcome
from evals.mail.questions import Group

Tell = Callable[[str], None]
_MOST: Mapping[Group, int] = {Group.AGENT: 20, Group.COPILOT: 120, Group.BUILDER: 10}
_TOKENS: Mapping[Group, tuple[int, int]] = {
    Group.AGENT: (25_000, 1_000),
    Group.COPILOT: (14_000, 600),
    Group.BUILDER: (25_000, 2_500),
}
"""About how many a task reads and writes, in all its turns."""


def tasks(group: Group, limit: int) -> int:
    """Return how many tasks a group has, with a limit of 0: all."""
    return min(limit or _MOST[group], _MOST[group])


def expected_tokens(group: Group, limit: int) -> tuple[int, int]:
    """Return about how many tokens a group reads and writes."""
    read, written = _TOKENS[group]
    return read * tasks(group, limit), written * tasks(group, limit)


def require_installed(groups: Sequence[Group]) -> None:
    """Raise ValueError if what a group needs is missing."""
    if Group.AGENT in groups:
        from evals.agentdojo.__main__ import PYTHON

        if not PYTHON.exists():
            raise ValueError("The tasks of agents are missing: run `make agent-eval` once, or leave `agent` out.")
    if Group.BUILDER in groups:
        from evals.humaneval.problems import package_file

        if package_file() is None:
            raise ValueError("The programs are missing: run `make builder-eval` once, or leave `builder` out.")
        if walls() is None:
            raise ValueError("bubblewrap does not work here: `orchestra doctor` says why. Leave `builder` out.")


def worked(group: Group, settings: Mapping[str, Any], into: Path, limit: int, tell: Tell) -> list[Outcome]:
    """Let the model of a connection do the tasks of a group. `settings`: the connection as config.yaml has it."""
    does = {Group.AGENT: _agent, Group.COPILOT: _copilot, Group.BUILDER: _builder}
    began = time.monotonic()
    found = does[group](settings, into, tasks(group, limit), tell)
    tell(f"{group}: {len(found)} tasks, {time.monotonic() - began:.0f} s")
    return found


def _copilot(settings: Mapping[str, Any], into: Path, most: int, tell: Tell) -> list[Outcome]:
    from evals.copilot.asked_model import by_model
    from evals.copilot.requests import Kind, requests
    from evals.copilot.world import ModelServer

    of_kind = [[one for one in requests() if one.kind is kind] for kind in Kind]
    asked = [one for round_ in zip_longest(*of_kind) for one in round_ if one is not None][:most]
    name = str(settings.get("model") or settings.get("file") or settings["service"])
    server = ModelServer(str(settings.get("base_url", "")), name, connection=settings)
    verdicts = by_model(asked, server, 1, into / f"copilot-{re.sub('[^a-z0-9]+', '-', name.lower())}.json", tell)
    found = []
    for one in asked:
        [verdict] = verdicts[one.id]
        faults = [*verdict.faults, *verdict.demo_faults]
        said = "right" if verdict.passed else "wrong" if verdict.compiles else "does not compile"
        found.append(_outcome(Group.COPILOT, one.id, str(one.kind), verdict.passed, said, faults, verdict.seconds))
    return found


def _agent(settings: Mapping[str, Any], _into: Path, most: int, _tell: Tell) -> list[Outcome]:
    from evals.agentdojo.__main__ import SUITES, evaluation, measured
    from evals.agentdojo.agents import Regime

    model = str(settings.get("model") or settings["service"])
    with evaluation(argparse.Namespace(model=model, base_url="", connection=dict(settings))) as made:
        of_suite = [[one for one in made.pairs(suite) if one.injection_task is None] for suite in SUITES]
        pairs = [one for round_ in zip_longest(*of_suite) for one in round_ if one is not None][:most]
        began = time.monotonic()
        results = measured(made, Regime.ASKED, pairs)
    each = (time.monotonic() - began) / max(len(results), 1)
    return [
        _outcome(
            Group.AGENT,
            f"{one.pair.suite}-{one.pair.user_task}",
            one.pair.suite,
            one.utility,
            "done" if one.utility else "not done",
            [one.error] if one.error else [],
            each,
        )
        for one in results
    ]


def _builder(settings: Mapping[str, Any], _into: Path, most: int, _tell: Tell) -> list[Outcome]:
    from evals.humaneval.__main__ import by_connection
    from evals.humaneval.problems import package_file, problems

    path = package_file()
    assert path is not None  # `require_installed` has looked
    all_ = problems(path)
    chosen = all_[:: max(len(all_) // most, 1)][:most]
    began = time.monotonic()
    results = by_connection(chosen, settings)
    each = (time.monotonic() - began) / max(len(results), 1)
    return [
        _outcome(Group.BUILDER, one.problem, "", one.passed, one.stopped_by, [one.error or one.stopped_by], each)
        for one in results
    ]


def _outcome(
    group: Group, task: str, part: str, is_right: bool, said: str, faults: Sequence[str], seconds: float
) -> Outcome:
    return Outcome(
        question=task,
        group=group,
        language="en",
        kind="",
        trap="",
        right=is_right,
        unsure=False,
        answered=True,
        said=said,
        faults=[] if is_right else faults,
        seconds=seconds,
        cost_usd=None,
        parts={part: [int(is_right), 1]} if part else {},
    )
