"""`/api/agents`: the agents of the workspace; agent_versions.py has their versions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.base.documents import DeletedItem, FileTextBody, Name, NewName, Refusal, RequestBody
from api.base.models import model_for
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.agents.agents import AgentSummary
from engine.base.problem import Problem

router = APIRouter(prefix="/api/agents", tags=["Agents"], route_class=SignedInRoute)
IN_USE: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "It is in use, or was changed"}}


AgentDocument = model_for(AgentSummary)


class NewAgent(RequestBody):
    """A new agent."""

    name: Name
    title: str = Field(default="", max_length=200, description="Default: made from the name.")
    sample: str = Field(default="", max_length=64, description="A shipped agent to copy.", examples=["research-agent"])


class AgentText(RequestBody):
    """A text to check."""

    text: str


class AgentProblems(BaseModel):
    """What is wrong with a text."""

    problems: list[Problem]


class AgentRenamed(BaseModel):
    """An agent under its new name, and what changed with it."""

    name: str
    users: list[str] = Field(description="Workflows, and agents as `agent:NAME`.")


@router.get("/{name}", response_model=AgentDocument, summary="Show an agent")
def agent(
    name: str,
    orchestra: Door,
    principal: Acting,
    version: Annotated[
        str, Query(max_length=200, description="A saved version: its number, label or id; default: the file.")
    ] = "",
) -> Any:
    """Return one agent."""
    return asdict(orchestra.agents.get(principal, name, version))


@router.post(
    "",
    status_code=201,
    response_model=AgentDocument,
    summary="Create an agent",
    responses=IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def create_agent(sent: NewAgent, orchestra: Door, principal: Acting) -> Any:
    """Create an agent; workflows can run it at once. 409 if the name is taken."""
    return asdict(orchestra.agents.create(principal, sent.name, sent.title, sent.sample))


@router.put(
    "/{name}",
    response_model=AgentDocument,
    summary="Save an agent",
    responses=IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def save_agent(name: str, sent: FileTextBody, orchestra: Door, principal: Acting) -> Any:
    """Save the file of an agent; the answer lists its problems, which do not prevent saving.

    `etag` belongs to the text to replace; without it, the agent must not exist yet. 409 if the file has changed.
    """
    return asdict(orchestra.agents.save(principal, name, sent.text, sent.etag))


@router.post(
    "/{name}/check",
    response_model=AgentProblems,
    summary="Check the text of an agent",
    responses=TOO_MANY,
    dependencies=[CHECKED],
)
def check_agent(name: str, sent: AgentText, orchestra: Door, principal: Acting) -> Any:
    """Return the problems that a text would have as this agent, by place; nothing is saved."""
    return {"problems": orchestra.agents.check(principal, name, sent.text)}


@router.delete("/{name}", response_model=DeletedItem, summary="Delete an agent", responses=IN_USE)
def delete_agent(name: str, orchestra: Door, principal: Acting) -> dict[str, str]:
    """Move an agent to the trash. 409 while workflows or agents run it; the error names them."""
    return {"name": name, "trash": orchestra.agents.delete(principal, name).name}


@router.post(
    "/{name}/copy",
    status_code=201,
    response_model=AgentDocument,
    summary="Copy an agent",
    responses=IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def copy_agent(name: str, sent: NewName, orchestra: Door, principal: Acting) -> Any:
    """Copy an agent with its versions and labels. 409 if the name is taken."""
    return asdict(orchestra.agents.duplicate(principal, name, sent.new))


@router.post(
    "/{name}/rename",
    response_model=AgentRenamed,
    summary="Rename an agent",
    responses=IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def rename_agent(name: str, sent: NewName, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Rename an agent, also in the workflows and agents that run it. 409 if the name is taken."""
    return {"name": sent.new, "users": orchestra.agents.rename(principal, name, sent.new)}
