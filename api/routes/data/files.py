"""`/api/files`: the files of the workspace that steps read and write."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from api.base.documents import saved_file
from api.base.models import model_of
from api.base.routing import Acting, Door, SignedInRoute
from engine.base.clock import timestamp
from engine.data.workspace_files import LARGEST_BYTES, FileList, FileTable


class FileRoute(SignedInRoute):
    """A route that takes a file."""

    largest_bytes = LARGEST_BYTES


router = APIRouter(prefix="/api/files", tags=["Files"], route_class=SignedInRoute)
added = APIRouter(prefix="/api/files", tags=["Files"], route_class=FileRoute)

Path = Annotated[str, Query(description="The path of the file, relative to the workspace.", min_length=1)]
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


class FileDocument(BaseModel):
    """A file."""

    path: str = Field(description="Relative to the workspace; a step's field `file` takes it.")
    size_bytes: int
    modified_at: str = Field(description="RFC 3339, UTC.")


@model_of(FileList)
class FileListDocument(BaseModel):
    """Files by path, and whether there are more than the limit."""

    files: list[FileDocument]


class AddedFile(BaseModel):
    """A file that was stored; `is_new` is false if it was there already."""

    path: str
    size_bytes: int
    sha256: str
    is_new: bool


@model_of(FileTable)
class TableOfFile(BaseModel):
    """The first rows of a sheet."""

    empty_formulas: int = Field(0, description="Formulas without a stored value, whose cells are null.")
    notes: list[str] = Field([], description="What did not fit, in sentences, such as rows that are too short.")


class FileViewDocument(BaseModel):
    """One page of a file: its text, or its rows if it is a table."""

    path: str
    size_bytes: int
    page: int
    kind: str = Field(description="As named by file.detect; empty if unknown.")
    media_type: str
    pages: int = Field(description="The number of pages, sheets or slides; 0 for a file without any.")
    text: str
    truncated: bool = Field(description="Whether not all of the page is in `text`.")
    notes: list[str] = Field(description="What of the page is not in `text`, in sentences.")
    needs_ocr: bool = Field(description="Whether the page is a picture, which only file.ocr can read.")
    ocr_remedy: str = Field(description="What is missing for file.ocr on the server; empty if nothing.")
    table: TableOfFile | None
    problem: str = Field(description="Why the file cannot be read; empty if it can.")


class DeletedFiles(BaseModel):
    """The number of files that were deleted."""

    files: int


async def _body(request: Request) -> bytes:
    """Return the body as it is, whatever its media type says."""
    return await request.body()


@router.get("", summary="List files", response_model=FileListDocument)
def list_files(
    orchestra: Door,
    principal: Acting,
    words: Annotated[str, Query(description="A text that the path contains, in any case.")] = "",
    limit: Annotated[int, Query(ge=1, le=5_000)] = 200,
) -> Any:
    """Return the files that steps may read, without workflows, prompts, settings and hidden files."""
    found = orchestra.files.list(principal, words=words, limit=limit)
    rows = [{**asdict(one), "modified_at": timestamp(one.modified_at)} for one in found.files]
    return {"files": rows, "has_more": found.has_more, "notes": found.notes}


@added.post(
    "",
    summary="Add a file",
    status_code=201,
    response_model=AddedFile,
    openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
)
def add_file(
    orchestra: Door,
    principal: Acting,
    body: Annotated[bytes, Depends(_body)],
    name: Annotated[str, Query(description="The name of the file.", min_length=1, max_length=1000)],
) -> Any:
    """Store the body, at most 20 MB, in the folder `files`; if the name is taken, it gets a number."""
    return asdict(orchestra.files.add(principal, name, io.BytesIO(body)))


@router.get("/view", summary="Read a file", response_model=FileViewDocument)
def view_file(
    orchestra: Door,
    principal: Acting,
    path: Path,
    page: Annotated[int, Query(ge=1, le=99_999, description="For a table: the sheet.")] = 1,
) -> Any:
    """Return the text or the rows of a page. What cannot be read is not an error: `problem` says why."""
    return asdict(orchestra.files.view(principal, path, page))


@router.get(
    "/content",
    summary="Get a file",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The content, to be saved"}},
)
def get_file_content(orchestra: Door, principal: Acting, path: Path) -> Response:
    """Return a file of at most 20 MB. Its headers make browsers save it and never display it."""
    return saved_file(path.rpartition("/")[2], orchestra.files.content(principal, path))


@router.delete("", summary="Delete a file", response_model=DeletedFiles)
def delete_file(orchestra: Door, principal: Acting, path: Path) -> Any:
    """Delete a file of the folder `files`."""
    orchestra.files.delete(principal, path)
    return {"files": 1}
