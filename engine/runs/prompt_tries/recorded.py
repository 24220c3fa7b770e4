"""The model steps of earlier runs that used a prompt: the variables they had can be tried again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from engine.base.errors import InvalidFile, InvalidInput, NotAllowed, UnknownName
from engine.base.json_text import JsonObject, JsonSchema
from engine.base.statuses import OPEN_RUNS
from engine.base.step_path import StepPath
from engine.people.access import Principal
from engine.record.types.run import Run
from engine.record.types.step import StepRecord
from engine.record.values import Values
from engine.runs.run_reader import RunReader
from engine.store.blobs.blobs import Blobs

MOST_LISTED = 25
_RUNS_READ = 200
"""The newest runs that are searched."""


@dataclass(frozen=True)
class RecordedCall:
    """A step of a run that asked a model with a prompt."""

    run_id: str
    step: str
    """Its path in the run."""
    workflow: str
    title: str
    """The item that it was about, such as the subject of a mail; else the step's title."""
    at: str
    status: str
    reference: str
    """The prompt as the step names it."""


class RecordedValues(Struct, frozen=True):
    """What such a step was called with."""

    title: str
    """What it was about, as in `RecordedCall`."""
    variables: JsonObject
    output_schema: JsonSchema | None
    """The step's own; None if it uses the prompt's."""
    connection: str | None
    model: str
    """The step's own; empty if it uses the prompt's or the connection's."""
    output: Any = None
    """What the step returned."""
    checked_by: JsonSchema | None = None
    """The schema that the output fits: the step's own, else the prompt's."""


class RecordedCalls:
    """Finds the steps; any thread."""

    def __init__(self, runs: RunReader, blobs: Blobs) -> None:
        self._runs, self._blobs = runs, blobs
        self._known: OrderedDict[str, tuple[RecordedCall, ...]] = OrderedDict()
        """Of ended runs, whose documents no longer change."""
        self._lock = threading.Lock()

    def of(self, p: Principal, prompt: str) -> list[RecordedCall]:
        """Return the last 25 steps, newest run first, among the newest 200 runs."""
        found: list[RecordedCall] = []
        for row in self._runs.list_now(p, limit=_RUNS_READ).rows:
            found += [one for one in self._calls(p, row.run_id) if one.reference.partition("@")[0] == prompt]
            if len(found) >= MOST_LISTED:
                break
        return found[:MOST_LISTED]

    def values(self, p: Principal, prompt: str, run_id: str, path: str) -> RecordedValues:
        """Return what a step was called with. Raises UnknownName, InvalidInput, InvalidFile."""
        run = self._runs.get(p, run_id)
        step = next((one for one in run["steps"] if one["path"] == path), None)
        if step is None:
            raise UnknownName(f"step of the run {run_id}", path, [one["path"] for one in run["steps"]])
        arguments = step["arguments"] or {}
        reference = prompt_of(step)
        if reference is None or reference.partition("@")[0] != prompt:
            raise InvalidInput(
                f"The step {path} of the run {run_id} did not use the prompt {prompt!r}.",
                remedy=f"`orchestra prompts calls {prompt}` lists the steps that did.",
            )
        given: Any = Values(self._blobs, run_id).loaded(arguments)
        schema = given.get("schema")
        own = schema if isinstance(schema, dict) and schema else None
        prompts = run["definition"].get("prompts") or {}
        titles = {one["path"]: one["title"] for one in run["steps"]}
        return RecordedValues(
            title=_about(step, titles),
            variables=given.get("variables") or {},
            output_schema=own,
            connection=step["connection"],
            model=str(given.get("model") or ""),
            output=Values(self._blobs, run_id).loaded(step["output"]),
            checked_by=own or (prompts.get(reference) or {}).get("output_schema"),
        )

    def _calls(self, p: Principal, run_id: str) -> tuple[RecordedCall, ...]:
        with self._lock:
            known = self._known.get(run_id)
        if known is not None:
            return known
        with suppress(InvalidFile, UnknownName, NotAllowed):  # damaged, deleted meanwhile, or with a link that answers
            run = self._runs.get(p, run_id)
            found = tuple(_calls_in(run))
            if run["status"] not in OPEN_RUNS:
                self._keep(run_id, found)
            return found
        return ()

    def _keep(self, run_id: str, found: tuple[RecordedCall, ...]) -> None:
        with self._lock:
            self._known[run_id] = found
            while len(self._known) > 2 * _RUNS_READ:
                self._known.popitem(last=False)


def prompt_of(step: StepRecord) -> str | None:
    """Return the prompt that a model step was called with, as the step names it; None for any other step."""
    arguments = step["arguments"]
    if not str(step["uses"] or "").startswith("llm.") or not isinstance(arguments, dict):
        return None
    reference = arguments.get("prompt")
    return reference if isinstance(reference, str) and reference else None


def _calls_in(run: Run) -> Iterator[RecordedCall]:
    if not run["definition"].get("prompts"):
        return
    titles = {one["path"]: one["title"] for one in run["steps"]}
    for step in run["steps"]:
        reference = prompt_of(step)
        if reference is None or not step["started_at"]:
            continue
        yield RecordedCall(
            run_id=run["run_id"],
            step=step["path"],
            workflow=run["workflow"],
            title=_about(step, titles),
            at=str(step["started_at"]),
            status=str(step["status"]),
            reference=reference,
        )


def _about(step: StepRecord, titles: Mapping[str, str]) -> str:
    """Return the title of the outermost item around a step that has a title, else the step's own."""
    around = (titles.get(str(one), "") for one in StepPath.parse(step["path"]).items())
    return next(filter(None, around), "") or step["title"] or step["id"]
