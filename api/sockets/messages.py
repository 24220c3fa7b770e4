"""The messages of the sockets, and their JSON Schema: `python -m api.sockets.messages > docs/live.schema.json`."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from engine.base.problem import Problem
from engine.documents.json_splice import Splice
from engine.record.states.run_state import RunChange, RunState
from engine.runs.projects.commands import CommandRun
from engine.runs.projects.transcript import OutputPiece
from engine.workflows.editing.draft_state import DraftState


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class RunSnapshot(_Message):
    """The state of a run: the first message."""

    type: Literal["snapshot"]
    run: RunState


class RunChanged(_Message):
    """What has changed since the previous message: absent fields have not changed, a null step no longer exists."""

    type: Literal["changed"]
    change: RunChange
    skipped: int
    """How many states were skipped because the client reads too slowly to get all of them."""


class RunEndMessage(_Message):
    """The run has ended; the socket is closed."""

    type: Literal["end"]
    status: str


class _DraftMessage(_Message):
    draft: DraftState
    base: str | None
    """The rev of the text to which the splices apply."""
    splices: list[Splice] | None
    """The splices that turn that text into the new one; null if unknown: get the text with `GET …/canvas`."""
    words: list[str]
    """A description of each change, if known."""


class DraftSnapshot(_DraftMessage):
    """The state of the caller's draft: the first message. `base` is the `rev` in the address of the socket."""

    type: Literal["snapshot"]


class DraftChanged(_DraftMessage):
    """The draft has changed, in this window or in another window of the same person."""

    type: Literal["rev"]


class FileChanged(_Message):
    """The file was saved, changed on disk or deleted."""

    type: Literal["file"]
    etag: str
    """The etag of the file that the draft is based on."""
    saved_etag: str
    """The etag of the file now, "" if it was deleted."""
    saved_by: str | None
    """Who saved it; null if it was changed outside AI-Orchestra."""


class ProblemsFound(_Message):
    """The problems of a text."""

    type: Literal["problems"]
    rev: str
    """The etag of that text."""
    problems: list[Problem]


class CommandShown(_Message):
    """A command that runs in a project: the first message."""

    type: Literal["snapshot"]
    run: CommandRun


class CommandSaid(_Message):
    """What the command has written since the previous message."""

    type: Literal["output"]
    parts: list[OutputPiece]
    skipped: int
    """How many characters before that were left out because the client reads too slowly to get all of them."""


class CommandEnded(_Message):
    """The command has ended, and all that it has written was sent; the socket is closed."""

    type: Literal["end"]
    run: CommandRun


RunMessage = Annotated[RunSnapshot | RunChanged | RunEndMessage, Field(discriminator="type")]
WorkflowMessage = Annotated[DraftSnapshot | DraftChanged | FileChanged | ProblemsFound, Field(discriminator="type")]
CommandMessage = Annotated[CommandShown | CommandSaid | CommandEnded, Field(discriminator="type")]
OF_RUN: TypeAdapter[Any] = TypeAdapter(RunMessage)
OF_WORKFLOW: TypeAdapter[Any] = TypeAdapter(WorkflowMessage)
OF_COMMAND: TypeAdapter[Any] = TypeAdapter(CommandMessage)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of all messages; `$defs` names the messages of a socket `Run`, `Workflow` or `Command`."""
    inputs: list[tuple[str, Literal["serialization"], TypeAdapter[Any]]] = [
        ("Run", "serialization", OF_RUN),
        ("Workflow", "serialization", OF_WORKFLOW),
        ("Command", "serialization", OF_COMMAND),
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
