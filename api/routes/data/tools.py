"""`/api/tools`: the test of a tool, whose `demo` is about the network, and a file, whose path is not in the body."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.base.accounts import Whose, is_demo
from api.base.documents import FileTextBody, Refusal
from api.base.models import model_for
from api.base.routing import Acting, Door, SignedInRoute
from engine.tools.editing import ToolText
from engine.tools.tools import ToolTest

router = APIRouter(prefix="/api/tools", tags=["Tools"], route_class=SignedInRoute)
FilePath = Annotated[str, Query(description="The path of the file in the folder of the tool.", max_length=600)]
_CHANGED: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "The file was changed"}}


@router.put("/{name}/files", summary="Save a file of a tool", response_model=model_for(ToolText), responses=_CHANGED)
def save_tool_file(orchestra: Door, principal: Acting, name: str, path: FilePath, sent: FileTextBody) -> Any:
    """Write a file; no workflow can use the tool until it has passed its tests again.

    `etag` belongs to the text to replace; without it, the file must not exist yet. 409 if the file has changed.
    """
    return orchestra.tool_files.save(principal, name, path, sent.text, sent.etag)


@router.post("/{name}/test", summary="Test a tool", response_model=model_for(ToolTest))
def run_tests(
    orchestra: Door,
    principal: Acting,
    name: str,
    accounts: Annotated[
        Whose, Query(description="`demo`: without network, and the default if the server runs with --demo.")
    ] = None,
) -> Any:
    """Run all tests of a tool in the sandbox; if they pass, workflows can use it as it is now."""
    return orchestra.tools.test(principal, name, demo=is_demo(orchestra, accounts))
