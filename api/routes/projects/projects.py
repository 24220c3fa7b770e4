"""`/api/projects`: programs that workflows and people write together; commands.py runs them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.base.documents import DeletedItem, Refusal, RequestBody, saved_file
from api.base.models import model_of
from api.base.routing import Acting, Door, SignedInRoute
from engine.projects.records import CommitInfo, FileInfo, ProjectInfo
from engine.runs.projects.store import ProjectText

router = APIRouter(prefix="/api/projects", tags=["Projects"], route_class=SignedInRoute)
CHANGED: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "It was changed, or is taken"}}
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_LONGEST = 500

Commit = Annotated[str, Query(max_length=64, description="The id of a commit; empty: the newest.")]
FilePath = Annotated[str, Query(max_length=_LONGEST, description="The path of a file, such as `tests/test_sums.py`.")]


@model_of(ProjectInfo)
class ProjectDocument(BaseModel):
    """A project."""

    problem: str = Field(default="", description="Why its repository cannot be used; empty: it can.")


class ProjectList(BaseModel):
    """All projects, by name."""

    projects: list[ProjectDocument]


class ProjectPage(ProjectDocument):
    """A project, and the commands that its plan has, or that its files suggest."""

    commands: list[str]


class NewProject(RequestBody):
    """A new project."""

    name: str = Field(max_length=_LONGEST)
    title: str = Field(default="", max_length=200, description="Default: the name.")


@model_of(FileInfo)
class ProjectFile(BaseModel):
    """A file; `is_protected`: agents cannot change it."""


class ProjectFiles(BaseModel):
    """The files of a commit, by path."""

    commit: str
    files: list[ProjectFile]


class SentText(RequestBody):
    """The text of a file, and the etag of the text that it replaces; without it, the file must not exist yet."""

    text: str = Field(max_length=1_000_000)
    etag: str | None = Field(default=None, max_length=100)
    message: str = Field(
        default="", max_length=2_000, description="The message of the commit; default: made from the path."
    )


@model_of(CommitInfo)
class CommitDocument(BaseModel):
    """A commit; `is_green`: its tests have passed, null: they were not run."""


class CommitList(BaseModel):
    """The last commits, newest first."""

    commits: list[CommitDocument]


class FileDifference(BaseModel):
    """How a file differs; `lines` is a unified diff."""

    path: str
    lines: str


class DifferenceList(BaseModel):
    """What differs between two commits, by path."""

    differences: list[FileDifference]


@router.get("", summary="List projects", response_model=ProjectList)
def list_projects(orchestra: Door, principal: Acting) -> Any:
    """Return every project."""
    return {"projects": [asdict(one) for one in orchestra.projects.list(principal)]}


@router.post("", summary="Create a project", response_model=ProjectDocument, status_code=201, responses=CHANGED)
def new_project(orchestra: Door, principal: Acting, sent: NewProject) -> Any:
    """Create an empty project; 409 if the name is taken."""
    return asdict(orchestra.projects.create(principal, sent.name, sent.title))


@router.get("/{name}", summary="Show a project", response_model=ProjectPage)
def show_project(orchestra: Door, principal: Acting, name: str) -> Any:
    """Return a project; 404 if no project has this name."""
    found = orchestra.projects.get(principal, name)
    return {**asdict(found), "commands": orchestra.projects.commands(principal, name)}


@router.delete("/{name}", summary="Delete a project", response_model=DeletedItem)
def delete_project(orchestra: Door, principal: Acting, name: str) -> dict[str, str]:
    """Move a project with its history to the trash."""
    return {"name": name, "trash": orchestra.projects.delete(principal, name).name}


@router.get("/{name}/files", summary="List the files of a project", response_model=ProjectFiles)
def list_project_files(orchestra: Door, principal: Acting, name: str, commit: Commit = "") -> Any:
    """Return the files of a commit."""
    found = orchestra.projects.files(principal, name, commit)
    return {"commit": orchestra.projects.commit_of(name, commit), "files": [asdict(one) for one in found]}


@router.get("/{name}/file", summary="Read a file of a project", response_model=ProjectText)
def read_project_file(orchestra: Door, principal: Acting, name: str, path: FilePath, commit: Commit = "") -> Any:
    """Return the text of a file."""
    return asdict(orchestra.projects.read(principal, name, path, commit))


@router.put("/{name}/file", summary="Save a file of a project", response_model=ProjectText, responses=CHANGED)
def save_project_file(orchestra: Door, principal: Acting, name: str, path: FilePath, sent: SentText) -> Any:
    """Commit a new text of a file. 409 if somebody has changed it since `etag`."""
    return asdict(orchestra.projects.save(principal, name, path, sent.text, sent.etag, sent.message))


@router.delete("/{name}/file", summary="Delete a file of a project", status_code=204, responses=CHANGED)
def delete_project_file(
    orchestra: Door,
    principal: Acting,
    name: str,
    path: FilePath,
    etag: Annotated[str, Query(max_length=100, description="The etag of the file to delete.")],
) -> None:
    """Commit the deletion of a file; earlier commits keep it. 409 if somebody has changed it since `etag`."""
    orchestra.projects.remove(principal, name, path, etag)


@router.get("/{name}/commits", summary="List the commits of a project", response_model=CommitList)
def list_commits(orchestra: Door, principal: Acting, name: str, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> Any:
    """Return the last commits, newest first."""
    return {"commits": [asdict(one) for one in orchestra.projects.log(principal, name, limit)]}


@router.get("/{name}/diff", summary="Compare two commits of a project", response_model=DifferenceList)
def compare_commits(
    orchestra: Door,
    principal: Acting,
    name: str,
    before: Annotated[str, Query(max_length=64, description="The id of a commit; empty: before all commits.")] = "",
    after: Commit = "",
) -> Any:
    """Return the files that differ between two commits."""
    found = orchestra.projects.diff(principal, name, before, after)
    return {"differences": [{"path": path, "lines": lines} for path, lines in found.items()]}


@router.get("/{name}/zip", summary="Download a project", response_class=Response, responses={200: {"content": _BYTES}})
def project_zip(orchestra: Door, principal: Acting, name: str, commit: Commit = "") -> Response:
    """Return the files of a commit as a ZIP archive."""
    return saved_file(f"{name}.zip", orchestra.projects.archive(principal, name, commit))


@router.get(
    "/{name}/bundle", summary="Download the history", response_class=Response, responses={200: {"content": _BYTES}}
)
def project_bundle(orchestra: Door, principal: Acting, name: str) -> Response:
    """Return the whole history as a bundle, which `git clone` takes."""
    return saved_file(f"{name}.bundle", orchestra.projects.bundle(principal, name))
