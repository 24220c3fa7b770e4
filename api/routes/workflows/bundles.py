"""`/api/workflows/{name}/export`, `/api/workflow-imports`: a workflow and what it uses as one document."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from api.base.documents import Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.workflows.bundles.bundle import LARGEST_BYTES, Bundle
from engine.workflows.bundles.bundles import Imported


class BundleRoute(SignedInRoute):
    """A route that takes a workflow with all that belongs to it."""

    largest_bytes = LARGEST_BYTES


router = APIRouter(prefix="/api", tags=["Workflows"], route_class=BundleRoute)
_TAKEN: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "The name is taken"}}


class WorkflowImport(RequestBody):
    """A workflow of another workspace."""

    bundle: dict[str, Any] = Field(description="A document of `export`, or a workflow that n8n has downloaded.")
    name: str = Field(
        default="", max_length=64, description="The name of the workflow; default: the one in the bundle."
    )
    connections: dict[str, str] = Field(
        default_factory=dict,
        description="For each connection in the bundle, the one to use here.",
        examples=[{"mail": "work"}],
    )


@router.get("/workflows/{name}/export", summary="Export a workflow", response_model=Bundle)
def export_workflow(name: str, orchestra: Door, principal: Acting) -> Any:
    """Return a workflow with its prompts, fragments, agents and tools as one document, without keys and cases."""
    return orchestra.bundles.export(principal, name)


@router.post(
    "/workflow-imports",
    summary="Import a workflow",
    status_code=201,
    response_model=Imported,
    responses=_TAKEN | TOO_MANY,
    dependencies=[CHECKED],
)
def import_workflow(sent: WorkflowImport, orchestra: Door, principal: Acting) -> Any:
    """Create a workflow with what it uses from a document of `export`. Nothing that exists is changed.

    Of a workflow of n8n, `to_finish` says what could not be translated (docs/editing.md#from-n8n). Its tools must be
    tested here (`untested_tools`); an owner must accept tools of MCP servers (`unaccepted_tools`).
    """
    return orchestra.bundles.imported(principal, sent.bundle, sent.name, connections=sent.connections)
