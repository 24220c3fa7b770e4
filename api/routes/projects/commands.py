"""`/api/projects/{name}/runs`: commands in a project; a socket sends what they write (docs/live.md)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.base.documents import Refusal, RequestBody
from api.base.models import model_of
from api.base.routing import Acting, Door, SignedInRoute
from engine.runs.projects.commands import CommandOutput, CommandRun

router = APIRouter(prefix="/api/projects", tags=["Projects"], route_class=SignedInRoute)
_BUSY: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "Four commands run already"}}


class CommandList(BaseModel):
    """The last commands of a project, newest first."""

    runs: list[CommandRun]


@model_of(CommandOutput)
class CommandPage(BaseModel):
    """A command, and the last 200,000 characters that it has written; `skipped` are left out before them."""


class SentCommand(RequestBody):
    """A command of the shell, which finds the files of a commit in its folder."""

    command: str = Field(max_length=10_000, examples=["python3 -m unittest"])
    commit: str = Field(default="", max_length=64, description="Empty: the newest.")
    seconds: int = Field(default=60, ge=1, le=3600, description="How long it may run.")


class PreviewAddress(BaseModel):
    """The address of a preview, for a frame with `sandbox="allow-scripts"`; it works for an hour."""

    path: str = Field(examples=["/preview/eyJ.x/index.html"])


@router.get("/{name}/runs", summary="List the commands of a project", response_model=CommandList)
def list_commands(orchestra: Door, principal: Acting, name: str) -> Any:
    """Return the last commands; they are forgotten when the server restarts."""
    return {"runs": [asdict(one) for one in orchestra.project_runs.list(principal, name)]}


@router.post("/{name}/runs", summary="Run a command", response_model=CommandRun, status_code=202, responses=_BUSY)
def run_command(orchestra: Door, principal: Acting, name: str, sent: SentCommand) -> Any:
    """Start a command in the sandbox; what it writes to the disk is not kept. 409 if four run already."""
    started = orchestra.project_runs.start(principal, name, sent.command, commit=sent.commit, seconds=sent.seconds)
    return asdict(started)


@router.get("/{name}/runs/{id}", summary="Show a command", response_model=CommandPage)
def show_command(orchestra: Door, principal: Acting, name: str, id: str) -> Any:  # noqa: A002 - as in the address
    """Return a command with what it has written."""
    return asdict(orchestra.project_runs.get(principal, name, id))


@router.post("/{name}/runs/{id}/stop", summary="Stop a command", response_model=CommandRun)
def stop_command(orchestra: Door, principal: Acting, name: str, id: str) -> Any:  # noqa: A002 - as in the address
    """Stop a command and everything that it has started."""
    return asdict(orchestra.project_runs.stop(principal, name, id))


@router.get("/{name}/preview", summary="Create a link to a preview", response_model=PreviewAddress)
def preview_link(
    orchestra: Door, principal: Acting, name: str, path: str = "index.html", commit: str = ""
) -> dict[str, str]:
    """Return the address at which a frame shows the static pages of a commit."""
    return {"path": orchestra.project_previews.address(principal, name, path, commit)}
