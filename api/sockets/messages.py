"""The messages of the sockets, and their JSON Schema: `python -m api.sockets.messages > docs/live.schema.json`."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from engine.base.errors import Problem
from engine.documents.json_splice import Splice
from engine.record.states.run_state import RunChange, RunState


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class RunSnapshot(_Message):
    """The state of a run: the first message."""

    type: Literal["snapshot"]
    run: RunState


class RunChanged(_Message):
    """What has changed since the message before: what is missing has not, a step that is null is gone."""

    type: Literal["changed"]
    change: RunChange
    skipped: int
    """How many states in between were left out, because this client reads too slowly for each of them."""


class RunEnded(_Message):
    """The run has ended; the socket is closed."""

    type: Literal["end"]
    status: str


class _DraftState(_Message):
    rev: str
    """The etag of the text."""
    etag: str
    """Of the file that the text is based on."""
    saved_etag: str
    """Of the file as it is now, "" if there is none."""
    is_draft: bool
    can_undo: bool
    can_redo: bool
    base: str | None
    """The rev of the text to which the splices apply."""
    splices: list[Splice] | None
    """What leads from that text to this one; null: get the text with `GET …/canvas`."""
    words: list[str]
    """What was done, as far as it is known."""


class DraftSnapshot(_DraftState):
    """The text that the person edits: the first message. `base` is the `rev` that the address of the socket names."""

    type: Literal["snapshot"]


class DraftChanged(_DraftState):
    """The text has changed: by another window of the person, or by this one."""

    type: Literal["rev"]


class FileChanged(_Message):
    """The file was saved, changed on disk or deleted."""

    type: Literal["file"]
    etag: str
    """Of the file that the person's text is based on."""
    saved_etag: str
    """Of the file as it is now, "" if there is none."""
    saved_by: str | None
    """Who has saved it; null if it was changed outside of the program."""


class ProblemsFound(_Message):
    """The problems of a text."""

    type: Literal["problems"]
    rev: str
    """The etag of that text."""
    problems: list[Problem]


OfRun = Annotated[RunSnapshot | RunChanged | RunEnded, Field(discriminator="type")]
OfWorkflow = Annotated[DraftSnapshot | DraftChanged | FileChanged | ProblemsFound, Field(discriminator="type")]
OF_RUN: TypeAdapter[Any] = TypeAdapter(OfRun)
OF_WORKFLOW: TypeAdapter[Any] = TypeAdapter(OfWorkflow)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of all messages; `$defs` has `Run` and `Workflow`, those of each socket."""
    inputs: list[tuple[str, Literal["serialization"], TypeAdapter[Any]]] = [
        ("Run", "serialization", OF_RUN),
        ("Workflow", "serialization", OF_WORKFLOW),
    ]
    of, shared = TypeAdapter.json_schemas(inputs)
    defs = {**{name: one for (name, _), one in of.items()}, **shared.get("$defs", {})}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages of the sockets",
        "$defs": {str(name): one for name, one in defs.items()},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, sort_keys=True) + "\n")
