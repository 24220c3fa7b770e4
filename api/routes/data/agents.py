"""`/api/agents`: the agents of the workspace."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.base.routing import Acting, Door, SignedInRoute
from engine.base.errors import Problem

router = APIRouter(prefix="/api/agents", tags=["Agents"], route_class=SignedInRoute)


class AgentToolDocument(BaseModel):
    """A tool of an agent."""

    name: str
    uses: str = Field(description="The step type.")
    description: str
    fixed: dict[str, Any] = Field(description="The fields that the agent's file fixes.")
    given: list[str] = Field(description="The fields that the model fills.")
    choices: dict[str, Any] = Field(description="The values that given fields may have, by name.")
    approve: bool = Field(description="Whether a person approves each call.")


class AgentDocument(BaseModel):
    """An agent; a damaged one has problems and no tools."""

    name: str
    title: str
    description: str
    instructions: str
    connection: str
    model: str
    tools: list[AgentToolDocument]
    limits: dict[str, Any]
    used_by: list[str] = Field(description="The workflows that run it.")
    problems: list[Problem]


class AgentList(BaseModel):
    """All agents, by name."""

    agents: list[AgentDocument]


@router.get("", response_model=AgentList, summary="List agents")
def all_agents(orchestra: Door, principal: Acting) -> Any:
    """Return every agent with its tools, limits and problems."""
    return {"agents": [asdict(one) for one in orchestra.agents.list(principal)]}


@router.get("/{name}", response_model=AgentDocument, summary="Show an agent")
def agent(name: str, orchestra: Door, principal: Acting) -> Any:
    """Return one agent."""
    return asdict(orchestra.agents.get(principal, name))
