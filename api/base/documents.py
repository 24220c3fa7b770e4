"""What all parts of the API share: the strict base of request bodies, the form of every error response, and files."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api.base.models import model_for
from engine.base.json_text import compact
from engine.workspace import versioned_files

DeletedItem = model_for(versioned_files.DeletedItem)
Name = Annotated[str, Field(min_length=1, max_length=64, examples=["inbox-triage"])]


class DocumentResponse(JSONResponse):
    """A JSON response that is serialized directly, without inspecting each of its values first."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return compact(content).encode()


class RequestBody(BaseModel):
    """The base of request bodies: unknown keys are refused and values are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class NewName(RequestBody):
    """The new name of a workflow or prompt that is renamed or copied."""

    new: Name


class FileTextBody(RequestBody):
    """The text of a file, and the etag of the text that it replaces."""

    text: str
    etag: str | None = Field(default=None, max_length=100)


class ReplacedText(RequestBody):
    """The text to replace."""

    etag: str = Field(max_length=100, description="The etag of the file as the caller has seen it.")


class ErrorView(BaseModel):
    """Why a request was refused, and what to do next."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["UnknownName"])
    message: str
    remedy: str


class Refusal(BaseModel):
    """The form of every error response."""

    error: ErrorView


def saved_file(name: str, content: bytes) -> Response:
    """Return a file that may come from outside, with headers that make browsers save it and never display it."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(content, media_type="application/octet-stream", headers=headers)
