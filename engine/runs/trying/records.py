"""The last tries of each prompt, as the texts `tries/PROMPT/ID.json` of the state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypedDict

from msgspec import Struct

from engine.base.errors import InvalidInput, StorageError, UnknownName
from engine.base.json_text import JsonObject, JsonSchema, indented
from engine.base.names import RUN_ID, checked_name
from engine.base.statuses import RunStatus
from engine.prompts.prompt import MarkedMessage
from engine.record.types.step import Failure, UsageRecord
from engine.store.texts.texts import TextStore

FOLDER = "tries"
MOST_KEPT = 20
"""Tries of one prompt; older ones are deleted."""
NOT_OURS = (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidInput)


class RealModel(Struct, frozen=True):
    """A real account of a model that nobody has agreed to ask with a prompt."""

    name: str
    """What is agreed to."""
    host: str
    model: str
    """The connection's own model."""


class TryAnswer(TypedDict):
    """What the model answered."""

    text: str
    value: Any
    """The JSON in the text, if the prompt wants JSON and the text has some; else None."""
    finish_reason: str
    """`stop`, or why it ended early."""
    problems: list[str]
    """Such as: it does not fit the schema, or is cut off."""


class TrySource(TypedDict, total=False):
    """Where the variables came from; empty if they were typed."""

    sample: str
    """The sample of the prompt."""
    run_id: str
    step: str
    """The path of a step of that run."""


class TryColumn(TypedDict):
    """Which column of a comparison a try is."""

    comparison: str
    """Its id; sorts by time."""
    number: int
    """From 1."""
    count: int
    """How many columns the comparison has."""
    title: str


class Try(TypedDict):
    """One question to a model with a prompt, and its answer."""

    id: str
    """Sorts by time."""
    prompt: str
    version: int | None
    """None for a text that is not saved as a version."""
    status: RunStatus
    """`running`, `succeeded`, `failed`, `cancelled` or, if the program ended first, `interrupted`."""
    started_by: str
    started_at: str
    ended_at: str | None
    seconds: float | None
    connection: str
    account: str
    """Its name for people; empty if not known."""
    demo: bool
    """Whether the demo's stand-in answers."""
    model: str
    """The model that was asked; once there is an answer, the one that gave it."""
    parameters: JsonObject
    variables: JsonObject
    source: TrySource
    messages: list[MarkedMessage]
    tokens: int
    """Of the messages together, estimated."""
    output_schema: JsonSchema | None
    """What the answer is checked against."""
    answer: TryAnswer | None
    error: Failure | None
    usage: UsageRecord
    notes: list[str]
    """Such as: a budget is used up, and only warns."""
    owner: str
    """The process that asks."""
    column: TryColumn | None
    """None for a try alone."""


class TryRecords:
    """Reads and writes the tries where the state is; any thread, any process."""

    def __init__(self, texts: TextStore) -> None:
        self._texts = texts

    def put(self, one: Try) -> None:
        """Store a try, and delete the oldest ones of its prompt. Raises StorageError."""
        folder = _folder(one["prompt"])
        with self._texts.locked(FOLDER):
            self._texts.put(f"{folder}/{one['id']}.json", indented(one))
            old = ids_in(self._texts, folder)[MOST_KEPT:]
            self._texts.remove(*(f"{folder}/{try_id}.json" for try_id in old))

    def remove(self, one: Try) -> None:
        """Delete a try that was not begun after all. Raises StorageError."""
        self._texts.remove(f"{_folder(one['prompt'])}/{one['id']}.json")

    def get(self, prompt: str, try_id: str) -> Try:
        """Return a try. Raises UnknownName, InvalidInput."""
        text = self._texts.get(f"{_folder(prompt)}/{try_id}.json") if RUN_ID.match(try_id) else None
        found = None if text is None else _try(prompt, text)
        if found is None:
            remedy = f"`orchestra prompts tries {prompt}` lists the last {MOST_KEPT}."
            raise UnknownName(f"try of the prompt {prompt}", try_id, remedy=remedy)
        return found

    def of(self, prompt: str) -> list[Try]:
        """Return the tries of a prompt, newest first."""
        return list(filter(None, (_try(prompt, text) for text in newest_first(self._texts, _folder(prompt)))))

    def follow(self, name: str, new: str = "") -> None:
        """Move the tries and tests of a renamed prompt; delete them if there is no new name."""
        with self._texts.locked(FOLDER), suppress(OSError, StorageError):
            if new:
                self._texts.remove_all(_folder(new))
                self._texts.move(_folder(name), _folder(new))
            else:
                self._texts.remove_all(_folder(name))


def ids_in(texts: TextStore, folder: str) -> list[str]:
    """Return the ids of the documents in a folder, newest first; what has another name is not ours."""
    found = (name.removesuffix(".json") for name in texts.names(folder))
    return sorted(filter(RUN_ID.match, found), reverse=True)


def newest_first(texts: TextStore, folder: str) -> Iterator[str]:
    """Yield the documents in a folder."""
    found = texts.all(folder)
    yield from (found[name] for name in sorted(found, reverse=True) if RUN_ID.match(name.removesuffix(".json")))


def _folder(prompt: str) -> str:
    return f"{FOLDER}/{checked_name('prompt', prompt)}"


def _try(prompt: str, text: str) -> Try | None:
    try:
        found: Try = json.loads(text)
        found.setdefault("column", None)  # an earlier version of the program wrote none
        read: Try = {**found, "status": RunStatus(found["status"]), "prompt": prompt}
        return read if Try.__annotations__.keys() <= read.keys() else None
    except NOT_OURS:  # damaged: it is of no use
        return None
