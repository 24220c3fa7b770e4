"""The last tries of each prompt, in `.orchestra/tries/PROMPT/ID.json`."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, TypedDict

from engine.base.errors import InvalidInput, StorageError, UnknownName
from engine.base.json_text import JsonObject, JsonSchema, indented
from engine.base.names import RUN_ID, checked_name, child
from engine.base.statuses import RunStatus
from engine.files.atomic import PRIVATE_FILE, PRIVATE_FOLDER, exclusive, make_folder, remove, write_whole
from engine.prompts.prompt import MarkedMessage
from engine.record.types.step import Failure, UsageRecord

MOST_KEPT = 20
"""Tries of one prompt; older ones are deleted."""
NOT_OURS = (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidInput)


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
    """Reads and writes the files; any thread, any process."""

    def __init__(self, state_dir: Path) -> None:
        self._root = state_dir / "tries"
        self._lock = state_dir / "tries.lock"

    def put(self, one: Try) -> None:
        """Write a try, and delete the oldest ones of its prompt. Raises StorageError."""
        folder = self._folder(one["prompt"])
        with exclusive(self._lock):
            make_folder(self._root, PRIVATE_FOLDER)
            make_folder(folder, PRIVATE_FOLDER)
            write_whole(folder / f"{one['id']}.json", indented(one), PRIVATE_FILE)
            for name in self._ids(folder)[MOST_KEPT:]:
                remove(folder / f"{name}.json")

    def remove(self, one: Try) -> None:
        """Delete a try that was not begun after all. Raises StorageError."""
        with exclusive(self._lock):
            remove(self._folder(one["prompt"]) / f"{one['id']}.json")

    def get(self, prompt: str, try_id: str) -> Try:
        """Return a try. Raises UnknownName, InvalidInput."""
        found = self._read(self._folder(prompt), try_id) if RUN_ID.match(try_id) else None
        if found is None:
            remedy = f"`orchestra prompts tries {prompt}` lists the last {MOST_KEPT}."
            raise UnknownName(f"try of the prompt {prompt}", try_id, remedy=remedy)
        return found

    def of(self, prompt: str) -> list[Try]:
        """Return the tries of a prompt, newest first."""
        folder = self._folder(prompt)
        read = (self._read(folder, one) for one in self._ids(folder))
        return [one for one in read if one is not None]

    def follow(self, name: str, new: str = "") -> None:
        """Move the tries and tests of a renamed prompt; delete them if there is no new name."""
        folder = self._folder(name)
        with exclusive(self._lock), suppress(OSError):
            if new:
                shutil.rmtree(self._folder(new), ignore_errors=True)
                folder.rename(self._folder(new))
            else:
                shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, prompt: str) -> Path:
        """Return the folder of a prompt's tries. Raises InvalidInput for a link."""
        return child(child(self._root.parent, self._root.name), checked_name("prompt", prompt))

    def _ids(self, folder: Path) -> list[str]:
        with suppress(OSError):
            return sorted((one.stem for one in folder.glob("*.json") if RUN_ID.match(one.stem)), reverse=True)
        return []

    def _read(self, folder: Path, try_id: str) -> Try | None:
        try:
            found: Try = json.loads(child(folder, f"{try_id}.json").read_text(encoding="utf-8"))
            found.setdefault("column", None)  # an earlier version of the program wrote none
            read: Try = {**found, "status": RunStatus(found["status"]), "prompt": folder.name}
            return read if Try.__annotations__.keys() <= read.keys() else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{folder / try_id}.json cannot be read: {error.strerror}.") from error
        except NOT_OURS:  # a link, or damaged: it is of no use any more
            return None
