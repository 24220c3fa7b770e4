"""`/api/runs/{run_id}/export`, `/api/run-imports`: a run as one file, and its replay without any account."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from api.base.documents import saved_file
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from api.routes.execution import accepted
from api.routes.run_documents import AcceptedRun
from engine.runs.exporting.run_bundle import LARGEST_BYTES
from engine.runs.exporting.run_bundles import Replayed


class RunBundleRoute(SignedInRoute):
    """A route that takes a run as a file."""

    largest_bytes = LARGEST_BYTES


router = APIRouter(prefix="/api", tags=["Runs"], route_class=RunBundleRoute)
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


async def _body(request: Request) -> bytes:
    """Return the body as it is, whatever its media type says."""
    return await request.body()


@router.get(
    "/runs/{run_id}/export",
    summary="Export a run",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The file, to be saved"}},
)
def export_run(
    run_id: str,
    orchestra: Door,
    principal: Acting,
    *,
    without_texts: Annotated[
        bool, Query(description="Also redact the texts of mails, documents and answers of models.")
    ] = False,
) -> Response:
    """Return a run that has ended as one file, without secrets, names of people and attachments."""
    content = orchestra.run_bundles.export(principal, run_id, without_texts=without_texts)
    return saved_file(f"{run_id}.zip", content)


@router.post(
    "/run-imports",
    summary="Import a run",
    status_code=202,
    responses={202: {"model": AcceptedRun}, **TOO_MANY},
    dependencies=[CHECKED],
    openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
)
def import_run(orchestra: Door, principal: Acting, body: Annotated[bytes, Depends(_body)]) -> JSONResponse:
    """Replay the run in a file of `export`, at most 16 MB: it uses no account, and nothing is written or sent."""
    run_id = orchestra.run_bundles.imported(principal, body)
    return accepted(orchestra.runs.get(principal, run_id))


@router.get("/runs/{run_id}/replayed", summary="Compare a replay with its file", response_model=Replayed)
def get_replayed(run_id: str, orchestra: Door, principal: Acting) -> Any:
    """Return whether a replay has ended as the run in its file did: at the same step, with the same words."""
    return orchestra.run_bundles.replayed(principal, run_id)
