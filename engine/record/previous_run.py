"""An earlier run as a source of answers: its steps by what they were about, whatever their position in a list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from clients.errors import InvalidRequest
from engine.base.errors import InvalidFile
from engine.base.json_text import JsonObject
from engine.base.run_file import RunFile
from engine.base.statuses import AccountMode
from engine.base.step_path import StepPath, in_workflow, is_item, items_around
from engine.record.frames import Frame
from engine.record.run_files import RunFiles, RunFolder
from engine.record.types.run import Run
from engine.record.types.step import StepRecord
from engine.record.values import Values
from engine.store.blobs.blobs import Blobs

Place = tuple[str, ...]
"""A step without indexes (`each_mail.task`), then the key of each enclosing item, outermost first."""


def place_of(path: str, keys: Mapping[str, str | None]) -> Place:
    """Return the place of a run path; `keys`: the key of each item of the run, by its run path."""
    found = [_key(item, keys) for item in items_around(path)]
    if not is_item(path):
        return (in_workflow(path), *found)
    return (f"{in_workflow(path)}[]{found[-1]}", *found[:-1])  # "[]" distinguishes an item from its loop


def _key(item: str, keys: Mapping[str, str | None]) -> str:
    key = keys.get(item)
    return str(StepPath.parse(item).index if key is None else key)


def keys_of(run: Run) -> dict[str, str | None]:
    """Return the key of every item of a run, by run path."""
    return {step["path"]: step["key"] for step in run["steps"] if is_item(step["path"])}


def places(run: Run) -> dict[Place, StepRecord]:
    """Return the steps of a run document by place; if several items have the same key, the first one counts."""
    keys, found = keys_of(run), dict[Place, StepRecord]()
    for step in run["steps"]:
        found.setdefault(place_of(step["path"], keys), step)
    return found


def place_in(frame: Frame, node_path: str) -> Place:
    """Return the place of a step in the current run."""
    return (node_path, *(str(turn.index) if turn.key is None else turn.key for turn in frame.turns))


def played_run(stored: JsonObject, blobs: Blobs, run_id: str) -> Run:
    """Return the run that a replay plays, without its definition. Blocking. Raises InvalidFile if it is gone."""
    try:
        content = RunFiles(RunFolder(blobs, run_id)).read(RunFile.model_validate(stored))
    except InvalidRequest as error:
        raise InvalidFile(error.message, remedy="Import the file again.") from error
    found: Run = json.loads(content)
    return found


class EarlierRun:
    """The log of a run, and the large values beside it."""

    def __init__(self, run: Run, blobs: Blobs) -> None:
        self.run_id = run["run_id"]
        self.prompts: JsonObject = run["definition"].get("prompts") or {}
        self._accounts = run["accounts"]
        self._default_mode = AccountMode.DEMO if run["demo"] else AccountMode.MINE
        self._values = Values(blobs, self.run_id)
        self._steps, self._keys = places(run), keys_of(run)

    def step(self, place: Place) -> StepRecord | None:
        """Return the recorded step, or None if the run did not reach it."""
        return self._steps.get(place)

    def key(self, item: str) -> str | None:
        """Return the key of an item by its run path, or None if it has no key or the run has no such item."""
        return self._keys.get(item)

    def mode(self, connection: str | None) -> str | None:
        """Return the mode of a connection in that run: "demo" or "mine"."""
        if connection is None:
            return self._default_mode
        account = self._accounts.get(connection)
        return None if account is None else str(account["mode"])

    def loaded(self, value: Any) -> Any:
        """Return a value with its parts in files loaded. Raises InvalidFile."""
        return self._values.loaded(value)
