"""`/api/agents/{name}/versions` and `/labels`: kept texts of an agent, compared, restored and labelled."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.base.documents import Refusal, ReplacedText, RequestBody
from api.base.models import model_for
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from api.routes.prompts.changes import PromptDifferences
from engine.agents.agents import AgentSummary
from engine.workspace.versioned_files import SavedVersion

router = APIRouter(prefix="/api/agents", tags=["Agents"], route_class=SignedInRoute)
_IN_USE: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "It is in use, or was changed"}}
_LONGEST = 200
_WHICH = "A number, a label, the id of a saved text, or `current`: the file as it is."


class AgentVersionRows(BaseModel):
    """The saved texts of an agent, newest first, then its older versions that have a number."""

    versions: list[SavedVersion]
    used_by: list[str]


class KeptAgent(RequestBody):
    """Keeps the file as a version; `label` then points at it."""

    label: str = Field(default="", max_length=64, examples=["production"])
    etag: str | None = Field(
        default=None, max_length=100, description="The etag of the file as the caller has seen it."
    )


class AgentLabel(RequestBody):
    """The version that a label points at."""

    version: str = Field(default="current", max_length=_LONGEST, description=_WHICH)


@router.get("/{name}/versions", response_model=AgentVersionRows, summary="List the versions of an agent")
def list_agent_versions(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the last 20 saved texts, newest first, then the older versions that have a number."""
    found = orchestra.agent_versions.list(principal, name)
    return {"versions": found, "used_by": orchestra.agents.users(principal, name)}


@router.post(
    "/{name}/versions",
    status_code=201,
    response_model=SavedVersion,
    summary="Keep a version of an agent",
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def keep_agent_version(name: str, sent: KeptAgent, orchestra: Door, principal: Acting) -> Any:
    """Keep the file as a numbered version, which never changes. 422 if it has problems."""
    return orchestra.agent_versions.save(principal, name, sent.label, sent.etag)


@router.post(
    "/{name}/versions/{version}/restore",
    response_model=model_for(AgentSummary),
    summary="Restore a version of an agent",
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def restore_agent_version(name: str, version: str, sent: ReplacedText, orchestra: Door, principal: Acting) -> Any:
    """Save a kept text again; the current one is kept, too. 409 if the file has changed."""
    return asdict(orchestra.agent_versions.restore(principal, name, version, sent.etag))


@router.get("/{name}/differences", response_model=PromptDifferences, summary="Compare two versions of an agent")
def compare_agent_versions(
    name: str,
    orchestra: Door,
    principal: Acting,
    before: Annotated[str, Query(max_length=_LONGEST, description=_WHICH)],
    after: Annotated[str, Query(max_length=_LONGEST, description=_WHICH)] = "current",
) -> dict[str, Any]:
    """Return the parts in which two texts differ, by word."""
    return {"differences": orchestra.agent_versions.differences(principal, name, before, after)}


@router.put(
    "/{name}/labels/{label}",
    response_model=SavedVersion,
    summary="Label a version of an agent",
    responses=TOO_MANY,
    dependencies=[CHECKED],
)
def label_agent_version(name: str, label: str, sent: AgentLabel, orchestra: Door, principal: Acting) -> Any:
    """Make a label point at a version: runs that start from now on use it. 422 if that version has problems."""
    return orchestra.agent_versions.label(principal, name, label, sent.version)


@router.delete(
    "/{name}/labels/{label}",
    response_model=SavedVersion,
    summary="Remove a label of an agent",
    responses=_IN_USE,
)
def remove_agent_label(name: str, label: str, orchestra: Door, principal: Acting) -> Any:
    """Remove a label from its version, which stays. 409 while workflows or agents name the agent with it."""
    return orchestra.agent_versions.remove_label(principal, name, label)
