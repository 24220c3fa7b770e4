"""What models and rules have answered about mails in the newest runs of a workflow, and what people have corrected."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.base.errors import InvalidFile, NotAllowed, OrchestraError, UnknownName
from engine.base.json_text import JsonObject
from engine.base.lazy_values import opened
from engine.base.statuses import OPEN_RUNS, StepStatus
from engine.base.step_path import StepPath
from engine.compiler.definition.plan import Node, Plan
from engine.expressions.expressions import render
from engine.mail.rules import RuledMail
from engine.people.access import Principal, may
from engine.record.fixed_choices import is_answer
from engine.record.types.kind import options_of
from engine.record.types.run import Run, RunKind
from engine.record.types.step import RuleRecord
from engine.record.values import Values
from engine.runs.run_reader import RunReader
from engine.store.blobs.blobs import Blobs

RUNS_READ = 200
"""The newest runs that are looked at."""
_MOST_KEPT = 1_000
_Place = tuple[str, str, str, bool]


class PastAnswer(Struct, frozen=True):
    """The answer about one mail in one run."""

    run_id: str
    step: str
    """The path of the step in the run."""
    title: str
    """The item that it was about."""
    at: str
    mail_id: str
    """The mail, which several runs may have answered about."""
    mail: RuledMail
    output: JsonObject
    by_rule: RuleRecord | None = None
    corrected: JsonObject = {}
    """The right values by field, if a person has corrected it."""

    @property
    def right(self) -> JsonObject:
        """The answer, as corrected."""
        return {**self.output, **self.corrected}


class PastAnswers(Struct, frozen=True):
    """The answers of one step, newest run first."""

    runs: int
    """How many runs were looked at."""
    answers: list[PastAnswer]


class _OfRun(Struct, frozen=True):
    """What is remembered of a run."""

    answers: tuple[PastAnswer, ...] = ()
    corrects: tuple[str, str] = ("", "")
    """For a correction: the run and the step whose answer was wrong."""
    values: JsonObject = {}
    """For a correction of the step: the right values."""


class AnswerReader:
    """Reads them; any thread."""

    def __init__(self, runs: RunReader, blobs: Blobs) -> None:
        self._runs, self._blobs = runs, blobs
        self._known: OrderedDict[_Place, _OfRun] = OrderedDict()
        """Of ended runs, by run, step and mail: their documents no longer change."""
        self._lock = threading.Lock()

    def of(self, p: Principal, plan: Plan, step: str, mail: str) -> PastAnswers:
        """Return what a step of a workflow, named by its path in it, has answered about mails.

        `mail`: the expression for its mail (`mail`, `steps.read.output`). Test runs and plans do not count.
        """
        rows = self._runs.list_now(p, workflow=plan.name, limit=RUNS_READ).rows
        read = {row.run_id: self._run(p, row.run_id, plan, step, mail) for row in rows if not row.is_test}
        right, answers = _right(read), [one for each in read.values() for one in each.answers]
        return PastAnswers(
            len(read), [replace(one, corrected=right.get((_first(read, one.run_id), one.step), {})) for one in answers]
        )

    def _run(self, p: Principal, run_id: str, plan: Plan, step: str, mail: str) -> _OfRun:
        place = (run_id, step, mail, may(p, "run"))  # a run with a link that answers is not shown to everybody
        with self._lock:
            known = self._known.get(place)
        if known is not None:
            return known
        with suppress(InvalidFile, UnknownName, NotAllowed):  # damaged, deleted meanwhile, or with a link that answers
            run = self._runs.get(p, run_id)
            found = _of_run(run, Values(self._blobs, run_id), plan, step, mail)
            if run["status"] not in OPEN_RUNS:
                self._keep(place, found)
            return found
        return _OfRun()

    def _keep(self, place: _Place, found: _OfRun) -> None:
        with self._lock:
            self._known[place] = found
            while len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)


def _right(read: Mapping[str, _OfRun]) -> dict[tuple[str, str], JsonObject]:
    """Return the right values by step and by the first run of its corrections, which may have been corrected again."""
    right: dict[tuple[str, str], JsonObject] = {}
    for run_id, one in reversed([*read.items()]):
        if one.values:
            place = _first(read, run_id), one.corrects[1]
            right[place] = {**right.get(place, {}), **one.values}
    return right


def _first(read: Mapping[str, _OfRun], run_id: str) -> str:
    """Return the run whose answers a run corrects, directly or by way of other corrections; else the run itself."""
    while run_id in read and read[run_id].corrects[0]:
        run_id = read[run_id].corrects[0]
    return run_id


def _of_run(run: Run, values: Values, plan: Plan, step: str, mail: str) -> _OfRun:
    corrects = options_of(run).get("corrects")
    if corrects is not None:
        is_ours = StepPath.parse(corrects["step"]).in_workflow == step
        # Steps after the right answer asked the model again; those of rules have been counted in the first run.
        others = (one for one in _answers(run, values, plan, step, mail) if one.step != corrects["step"])
        again = tuple(one for one in others if one.by_rule is None)
        return _OfRun(again, (corrects["run"], corrects["step"]), corrects["values"] if is_ours else {})
    if run["kind"] not in (RunKind.RUN, RunKind.APPLY):
        return _OfRun()
    return _OfRun(tuple(_answers(run, values, plan, step, mail)))


def _answers(run: Run, values: Values, plan: Plan, step: str, mail: str) -> Iterator[PastAnswer]:
    names, titles = _RunNames(run, values, plan), {one["path"]: one["title"] for one in run["steps"]}
    for one in run["steps"]:
        path = StepPath.parse(one["path"])
        if path.in_workflow != step or path.is_item or not is_answer(one):
            continue
        with suppress(OrchestraError, LookupError, TypeError):  # the workflow was another one then
            value, output = names.value(mail, path), values.loaded(one["output"])
            found = RuledMail.of(value)
            if found is not None and isinstance(output, Mapping):
                yield PastAnswer(
                    run_id=run["run_id"],
                    step=one["path"],
                    title=next(filter(None, (titles.get(str(each), "") for each in path.items())), found.subject),
                    at=str(one["ended_at"] or run["queued_at"]),
                    mail_id=str(value.get("id") or f"{run['run_id']} {path}"),
                    mail=found,
                    output=output,
                    by_rule=one.get("by_rule"),
                )


class _RunNames:
    """What expressions saw in an ended run."""

    def __init__(self, run: Run, values: Values, plan: Plan) -> None:
        self._plan, self._values = plan, values
        self._outputs = {one["path"]: one["output"] for one in run["steps"] if one["status"] == StepStatus.SUCCEEDED}
        self._root = {
            **plan.root_names,
            "inputs": values.live(run["inputs"]),
            "run": {"id": run["run_id"], "started_at": run["started_at"]},
        }
        self._items: dict[str, Any] = {}

    def value(self, name: str, path: StepPath) -> Any:
        """Return the value of a name with dots, as a step at a path saw it. Raises OrchestraError, LookupError."""
        value: Any = self._at(path)
        for part in name.split("."):
            value = opened(value)[part]
        return opened(value)

    def _at(self, path: StepPath) -> Mapping[str, Any]:
        """Return the names of a step. Raises OrchestraError, LookupError."""
        names, block, around = dict(self._root), self._plan.block, StepPath(())
        seen: dict[str, Any] = {}
        for part in path.parts:
            nodes = {node.id: node for node in block.nodes}
            for node_id in nodes:
                seen |= self._record(node_id, str(around.inner(node_id)))
            node, around = nodes[part.id], StepPath((*around.parts, part))
            if node.loop is not None and part.item is not None:
                names |= {node.loop.name: self._item(node, around, {**names, "steps": seen}), "index": part.item}
            if node.body is None:
                break
            block = node.body
        return {**names, "steps": seen}

    def _record(self, step_id: str, path: str) -> dict[str, Any]:
        if path not in self._outputs:
            return {}
        return {step_id: {"status": StepStatus.SUCCEEDED.value, "output": self._values.live(self._outputs[path])}}

    def _item(self, node: Node, path: StepPath, names: Mapping[str, Any]) -> Any:
        assert node.loop is not None
        place = str(path.parent)
        if place not in self._items:
            self._items[place] = opened(render(node.loop.items, names))
        return opened(self._items[place][path.index])
