"""`/api/prompts/{name}/text` and `/api/prompt-imports`: a prompt as one text with front matter."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.base.documents import Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.base.names import checked_name
from engine.prompts.prompt_files import PromptFile
from engine.prompts.prompt_text import LARGEST_BYTES

router = APIRouter(prefix="/api/prompts", tags=["Prompts"], route_class=SignedInRoute)
imports = APIRouter(prefix="/api/prompt-imports", tags=["Prompts"], route_class=SignedInRoute)
_TAKEN: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "There is a prompt of that name"}}


class PromptAsText(RequestBody):
    """A prompt as text, and what to call it."""

    text: str = Field(max_length=LARGEST_BYTES, examples=["---\ntitle: Greet\n---\n\n<!-- role: user -->\nHello\n"])
    name: str = Field(default="", max_length=64, description="Default: the name in the text.")


@router.get(
    "/{name}/text",
    summary="Export a prompt as text",
    response_class=Response,
    responses={200: {"content": {"text/markdown": {}}, "description": "The text"}},
)
def export_prompt(
    name: str,
    orchestra: Door,
    principal: Acting,
    version: Annotated[str, Query(max_length=64, description="A label or number; default: the draft.")] = "",
) -> Response:
    """Return a prompt as one text: front matter in YAML, then its messages."""
    text = orchestra.prompts.exported(principal, name, version)
    headers = {"Content-Disposition": f'attachment; filename="{checked_name("prompt", name)}.md"'}
    return Response(text.encode(), media_type="text/markdown; charset=utf-8", headers=headers)


@imports.post(
    "",
    summary="Import a prompt from a text",
    status_code=201,
    response_model=PromptFile,
    responses=_TAKEN | TOO_MANY,
    dependencies=[CHECKED],
)
def import_prompt(sent: PromptAsText, orchestra: Door, principal: Acting) -> Any:
    """Create a prompt from a text with front matter; its problems say the line. 409 if the name is taken."""
    return orchestra.prompts.imported(principal, sent.text, sent.name)
