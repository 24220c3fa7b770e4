"""`/api/tools`: the step types that people of the workspace have written."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.base.accounts import Whose, is_demo
from api.base.documents import DeletedItem, FileTextBody, NewName, Refusal, RequestBody
from api.base.models import model_for, model_of
from api.base.routing import Acting, Door, SignedInRoute
from engine.tools.editing import ToolText
from engine.tools.testing import ToolTestResult
from engine.tools.tools import Locked, ToolInfo, ToolTest
from engine.tools.versions import FileChange, ToolVersion

router = APIRouter(prefix="/api/tools", tags=["Tools"], route_class=SignedInRoute)
FilePath = Annotated[str, Query(description="The path of the file in the folder of the tool.", max_length=600)]
_IN_USE: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "It is in use, or the name is"}}
_CHANGED: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "The file was changed"}}


ToolDocument = model_for(ToolInfo)


@model_of(ToolTestResult)
class TestedDocument(BaseModel):
    """How a test went."""


@model_of(ToolTest)
class ToolTestDocument(BaseModel):
    """A run of all tests of a tool; `passed`: all did, so that workflows can use it."""

    tests: list[TestedDocument]


@model_of(Locked)
class LockedDocument(BaseModel):
    """The packages of a tool as they are locked now; `changed`: the lock was another before."""


class NewTool(RequestBody):
    """The name of a new tool, and the shipped tool to copy."""

    name: str = Field(max_length=100)
    sample: str = Field(
        default="", max_length=100, description="A shipped tool to copy, such as `iban-check`; empty: a small new one."
    )


class ToolRenamed(BaseModel):
    """A tool under its new name, and what changed with it."""

    name: str
    users: list[str] = Field(description="Workflows, and agents as `agent:NAME`.")


class ToolTexts(BaseModel):
    """The files of a tool, `tool.json` first; `text` is null for a file that is not text."""

    files: list[ToolText]


class ToolVersions(BaseModel):
    """The kept versions, newest first."""

    versions: list[ToolVersion]


class ToolChanges(BaseModel):
    """What has changed since a version, by file; `lines` is a unified diff."""

    id: str
    changes: list[FileChange]


@router.get("/{name}", summary="Show a tool", response_model=ToolDocument)
def show_tool(orchestra: Door, principal: Acting, name: str) -> Any:
    """Return a tool; 404 if no tool has this name."""
    return asdict(orchestra.tools.show(principal, name))


@router.post("", summary="Create a tool", response_model=ToolDocument, status_code=201)
def new_tool(orchestra: Door, principal: Acting, sent: NewTool) -> Any:
    """Create the folder of a new tool, with a first test; 409 if the name is taken."""
    orchestra.tools.new(principal, sent.name, sent.sample)
    return asdict(orchestra.tools.show(principal, sent.name))


@router.delete("/{name}", summary="Delete a tool", response_model=DeletedItem, responses=_IN_USE)
def delete_tool(orchestra: Door, principal: Acting, name: str) -> dict[str, str]:
    """Move a tool to the trash. 409 while workflows or agents use it; the error names them."""
    return {"name": name, "trash": orchestra.tools.delete(principal, name).name}


@router.post("/{name}/rename", summary="Rename a tool", response_model=ToolRenamed, responses=_IN_USE)
def rename_tool(orchestra: Door, principal: Acting, name: str, sent: NewName) -> dict[str, Any]:
    """Rename a tool, also in the workflows and agents that use it. 409 if the name is taken."""
    return {"name": sent.new, "users": orchestra.tools.rename(principal, name, sent.new)}


@router.get("/{name}/files", summary="List the files of a tool", response_model=ToolTexts)
def list_tool_files(orchestra: Door, principal: Acting, name: str) -> Any:
    """Return every file with its text, also of a tool that is not valid."""
    return {"files": orchestra.tool_files.list(principal, name)}


@router.put("/{name}/files", summary="Save a file of a tool", response_model=ToolText, responses=_CHANGED)
def save_tool_file(orchestra: Door, principal: Acting, name: str, path: FilePath, sent: FileTextBody) -> Any:
    """Write a file; no workflow can use the tool until it has passed its tests again.

    `etag` belongs to the text to replace; without it, the file must not exist yet. 409 if the file has changed.
    """
    return orchestra.tool_files.save(principal, name, path, sent.text, sent.etag)


@router.delete("/{name}/files", summary="Delete a file of a tool", status_code=204, responses=_CHANGED)
def delete_tool_file(
    orchestra: Door,
    principal: Acting,
    name: str,
    path: FilePath,
    etag: Annotated[str, Query(max_length=100, description="The etag of the file to delete.")],
) -> None:
    """Delete a file, but not `tool.json`. 409 if it has changed."""
    orchestra.tool_files.delete(principal, name, path, etag)


@router.get("/{name}/versions", summary="List the versions of a tool", response_model=ToolVersions)
def list_tool_versions(orchestra: Door, principal: Acting, name: str) -> Any:
    """Return the last 20 versions that passed their tests, or that a restored one replaced, newest first."""
    return {"versions": orchestra.tool_files.versions(principal, name)}


@router.get(
    "/{name}/versions/{version_id}", summary="Show what has changed since a version", response_model=ToolChanges
)
def tool_version_changes(orchestra: Door, principal: Acting, name: str, version_id: str) -> Any:
    """Return how the files differ now from a kept version."""
    return {"id": version_id, "changes": orchestra.tool_files.changes(principal, name, version_id)}


@router.post("/{name}/versions/{version_id}/restore", summary="Restore a version", response_model=ToolDocument)
def restore_tool(orchestra: Door, principal: Acting, name: str, version_id: str) -> Any:
    """Restore the files of a kept version; the current files are kept, too."""
    orchestra.tool_files.restore(principal, name, version_id)
    return asdict(orchestra.tools.show(principal, name))


@router.post("/{name}/lock", summary="Lock the packages of a tool", response_model=LockedDocument)
def lock_tool(orchestra: Door, principal: Acting, name: str) -> Any:
    """Lock the dependencies of a tool to exact packages, and download them; nothing of a package runs."""
    return asdict(orchestra.tools.lock(principal, name))


@router.post("/{name}/test", summary="Test a tool", response_model=ToolTestDocument)
def run_tests(
    orchestra: Door,
    principal: Acting,
    name: str,
    accounts: Annotated[
        Whose, Query(description="`demo`: without network, and the default if the server runs with --demo.")
    ] = None,
) -> Any:
    """Run all tests of a tool in the sandbox; if they pass, workflows can use it as it is now."""
    return asdict(orchestra.tools.test(principal, name, demo=is_demo(orchestra, accounts)))
