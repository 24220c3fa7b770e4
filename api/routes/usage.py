"""`/api/usage`: tokens and money of models, by what asked and what was asked."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.base.routing import Acting, Door, SignedInRoute
from engine.budgets.use import Kind
from engine.runs.run_days import RunDay
from engine.runs.usage import MOST_DAYS, RunUsage

router = APIRouter(prefix="/api/usage", tags=["Usage"], route_class=SignedInRoute)


class UsageQuery(BaseModel):
    """Which usage to report."""

    model_config = ConfigDict(extra="forbid")

    by: Kind = Field("workflow", description="What to count by; `prompt` is by version.")
    days: int = Field(30, ge=1, le=MOST_DAYS, description="The last days, today included.")


class RunDays(BaseModel):
    """The runs of each day, today last."""

    days: list[RunDay]


@router.get("/runs", summary="Count runs by day", response_model=RunDays)
def get_run_days(
    orchestra: Door, principal: Acting, days: Annotated[int, Query(description="The last days, today included.")] = 14
) -> Any:
    """Return how many runs were started on each of the last days, in the time zone of the workspace."""
    return {"days": orchestra.runs.days(principal, days, ZoneInfo(orchestra.config.time_zone))}


@router.get("/runs/{run_id}", summary="Show the usage of a run", response_model=RunUsage)
def get_run_usage(orchestra: Door, principal: Acting, run_id: str) -> Any:
    """Return what a run and the runs that it called have used so far; `usage` of a run counts its own steps only."""
    orchestra.runs.get(principal, run_id)  # 404 if it does not exist
    return orchestra.usage.of_run(principal, run_id)


@router.get("/csv", summary="Export usage", response_class=Response)
def export_usage(orchestra: Door, principal: Acting, which: Annotated[UsageQuery, Query()]) -> Response:
    """Export a line for each day and name; cells that a spreadsheet would run as formulas get an apostrophe."""
    headers = {"Content-Disposition": 'attachment; filename="usage.csv"', "Cache-Control": "no-store"}
    text = orchestra.usage.csv(principal, which.by, which.days)
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
