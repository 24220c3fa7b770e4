"""The results of models: kept in one file, and as a table of shares with their intervals."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from engine.files.atomic import write_whole
from evals.copilot.figures import Share
from evals.mail.judging import Outcome
from evals.mail.questions import Group, Question

Results = Mapping[str, Sequence[Outcome]]
"""By the name of the model."""


@dataclass(frozen=True)
class Figures:
    """How often some answers are right."""

    right: Share
    unsure: int
    """Said that it was unsure, and should have known."""
    wrong: int
    """Of a kind that is not right, with conviction."""
    no_answer: int
    """Nothing that fits the prompt's schema."""
    seconds: float
    """The median of an answer."""
    cost_usd: float | None
    """Of all together; None if a price is not known."""


def figures(outcomes: Sequence[Outcome]) -> Figures:
    """Return the figures of answers."""
    costs = [one.cost_usd for one in outcomes if one.answered or one.cost_usd is not None]
    known = [one for one in costs if one is not None]
    right, unsure = sum(one.right for one in outcomes), sum(one.unsure for one in outcomes)
    no_answer = sum(not one.answered for one in outcomes)
    return Figures(
        Share(right, len(outcomes)),
        unsure,
        len(outcomes) - right - unsure - no_answer,
        no_answer,
        median([one.seconds for one in outcomes]) if outcomes else 0.0,
        sum(known) if len(known) == len(costs) else None,
    )


def groups(outcomes: Iterable[Outcome]) -> dict[Group, list[Outcome]]:
    """Return answers by the work that they are."""
    all_ = [*outcomes]
    return {group: some for group in Group if (some := [one for one in all_ if one.group == group])}


def parts(outcomes: Iterable[Outcome]) -> dict[str, Share]:
    """Return how many checks of each part are met."""
    found: dict[str, tuple[int, int]] = {}
    for one in outcomes:
        for part, (met, of) in one.parts.items():
            before = found.get(part, (0, 0))
            found[part] = (before[0] + met, before[1] + of)
    return {part: Share(*counts) for part, counts in found.items()}


BY: Mapping[str, Callable[[Outcome], str]] = {
    "kind": lambda one: one.kind,
    "language": lambda one: one.language,
    "trap": lambda one: one.trap.replace("_", " ") or "none",
}
"""What answers are split by."""


def split(outcomes: Iterable[Outcome], by: str) -> dict[str, list[Outcome]]:
    """Return answers by one of `BY`; an empty one is left out."""
    found: dict[str, list[Outcome]] = {}
    for one in outcomes:
        if name := BY[by](one):
            found.setdefault(name, []).append(one)
    return found


def table(results: Results) -> str:
    """Return the figures of each model as lines for people."""
    return "\n".join(line for model, outcomes in results.items() for line in _lines(model, outcomes))


def _lines(model: str, outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield f"\n{model}"
    for group, some in groups(outcomes).items():
        found = figures(some)
        unsure = f"unsure {found.unsure}, " if group.is_sorting else ""
        cost = "cost unknown" if found.cost_usd is None else f"${found.cost_usd:.4f}"
        yield (
            f"  {group}: right {found.right}, {unsure}wrong {found.wrong}, no answer {found.no_answer}; "
            f"{found.seconds:.1f} s each, {cost}"
        )
        for part, share in parts(some).items():
            yield f"    {part:<28} {share}"
        for by in BY if group.is_sorting else ():
            for name, of in sorted(split(some, by).items()):
                yield f"    {by} {name:<{27 - len(by)}} {figures(of).right}"


def keep(path: Path, model: str, outcomes: Sequence[Outcome], data: Iterable[Question]) -> None:
    """Write a model's answers into the file, in place of its earlier answers to the same questions.

    `data`: all questions of the groups that it has. Answers of any model to others of these groups, which have been
    changed or removed, are dropped.
    """
    of: dict[str, set[str]] = {}
    for each in data:
        of.setdefault(each.group, set()).add(each.digest)
    all_ = _read(path)
    for measured in all_.values():
        some = measured["outcomes"]
        measured["outcomes"] = [one for one in some if one.get("digest") in of.get(one["group"], {one.get("digest")})]
    all_ = {name: one for name, one in all_.items() if one["outcomes"]}
    before = {(one["group"], one["question"]): one for one in all_.get(model, {}).get("outcomes", [])}
    before |= {(one.group, one.question): asdict(one) for one in outcomes}
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    all_[model] = {"measured": when, "machine": machine(), "outcomes": [*before.values()]}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(all_, indent=1, ensure_ascii=False) + "\n")


@dataclass(frozen=True)
class Measured:
    """What is known of a model."""

    model: str
    measured: str
    """The day."""
    machine: str
    outcomes: Sequence[Outcome]


def kept(path: Path) -> list[Measured]:
    """Return all models of the file."""
    return [
        Measured(model, one["measured"], one["machine"], [Outcome(**each) for each in one["outcomes"]])
        for model, one in _read(path).items()
    ]


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def machine() -> str:
    """Return this machine in a few words."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
