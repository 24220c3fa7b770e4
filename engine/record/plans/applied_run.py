"""How long a plan can be applied, what its hash covers, and what a run that applies it may write."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any

from engine.base.clock import moment_of
from engine.base.json_text import JsonObject
from engine.base.lazy_values import MARKS, Unknown
from engine.base.step_path import PathPart, StepPath
from engine.record.differences import ABSENT, Difference
from engine.record.types.run import Run
from engine.record.types.step import PlannedStep, StepRecord
from engine.record.values import Values
from engine.store.blobs.blobs import Blobs

_MARKED = re.compile(f"{MARKS[0]}[^{MARKS[1]}]*{MARKS[1]}")

VALID_FOR = timedelta(hours=24)
"""How long a plan can be applied."""


def expires_at(made_at: str) -> datetime:
    """Return until when a plan made then (RFC 3339) can be applied."""
    return moment_of(made_at) + VALID_FOR


def plan_hash(run: Run) -> str:
    """Return the hash of all that a plan says: definition, inputs, accounts, answers, and each write."""
    told: list[Any] = [run["run_id"], run["workflow"], run["workflow_hash"], run["definition"], run["queued_at"]]
    told += [run["options"], run["inputs"], run["accounts"], run["outputs"], run["steps"]]
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class AppliedRun:
    """The part of a plan that one run applies; `tree`: the planning runs of the whole plan, this one among them.

    `open_paths`: the steps, without indexes, that a plan lists without planning them, as they run after a failure.
    """

    def __init__(self, run: Run, tree: Iterable[Run], open_paths: AbstractSet[str], blobs: Blobs) -> None:
        self._values = Values(blobs, run["run_id"])
        self._steps = {step["path"]: step for step in run["steps"]}
        self._open = open_paths
        self._of_any = {step["path"] for step in run["steps"] if _stands_for_any(step)}
        self._objects = Counter(_object(step["planned"]) for one in tree for step in one["steps"] if "planned" in step)

    def step(self, path: str) -> StepRecord | None:
        """Return a step as it was planned; if the items of a loop were not known, one was planned for all of them."""
        return self._steps.get(path) or self._steps.get(self._as_planned(path))

    def has_planned(self, path: str) -> bool:
        """Return whether the plan has shown this write."""
        step = self.step(path)
        return step is not None and "write" in step.get("planned", {})

    def leaves_open(self, path_in_workflow: str) -> bool:
        """Return whether a write that was not planned may be made: the plan says that it may happen."""
        return path_in_workflow in self._open

    def arguments(self, step: StepRecord) -> JsonObject:
        """Return the planned arguments; what was not known is Unknown. Raises InvalidFile."""
        return dict(self._values.planned(step["arguments"] or {}))

    def is_shared(self, planned: PlannedStep) -> bool:
        """Return whether several writes of the plan change the same thing."""
        return self._objects[_object(planned)] > 1

    def _as_planned(self, path: str) -> str:
        parts = list[PathPart]()
        for part in StepPath.parse(path).parts:
            loop = str(StepPath((*parts, PathPart(part.id))))
            parts.append(PathPart(part.id, 0) if loop in self._of_any else part)
        return str(StepPath(tuple(parts)))


def _stands_for_any(step: StepRecord) -> bool:
    """Return whether a loop was planned with one item for all that it may have."""
    return any(_MARKED.search(str(key)) for key, *_ in step.get("items", ()))


def _object(planned: PlannedStep) -> tuple[str, str] | None:
    preview = planned.get("preview")
    return None if preview is None or not preview["object"] else (planned.get("account", ""), preview["object"])


def misfit(planned: Any, actual: Any, field: str = "with") -> Difference | None:
    """Return the first place at which arguments are not as planned; what was not known may be anything.

    If a text was known in part, its known parts must be there, in that order.
    """
    if isinstance(planned, Unknown):
        fits = _MARKED.fullmatch(planned.text) or _is_made_of(_MARKED.split(planned.text), str(actual))
        return None if fits else Difference(field, planned.text, actual)
    if isinstance(planned, Mapping) and isinstance(actual, Mapping):
        pairs = ((f"{field}.{key}", planned.get(key, ABSENT), actual.get(key, ABSENT)) for key in {**planned, **actual})
    elif isinstance(planned, list) and isinstance(actual, list) and len(planned) == len(actual):
        pairs = ((f"{field}[{n}]", *both) for n, both in enumerate(zip(planned, actual, strict=True)))
    else:
        is_equal = planned == actual and type(planned) is type(actual)  # 1 == True == 1.0
        return None if is_equal else Difference(field, planned, actual)
    return next((found for place, one, other in pairs if (found := misfit(one, other, place)) is not None), None)


def _is_made_of(parts: Sequence[str], text: str) -> bool:
    """Return whether a text begins with the first part, ends with the last, and has the others in order between them.

    A pattern with `.*` between them would take time by the power of their number.
    """
    if len(parts) == 1:
        return text == parts[0]
    first, *between, last = parts
    if not text.startswith(first):
        return False
    at = len(first)
    for part in between:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return text.endswith(last) and at + len(last) <= len(text)
