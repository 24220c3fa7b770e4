"""`/api/connections/{name}/tools`: what an MCP server offers, and which of it steps may call."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.base.documents import RequestBody
from api.base.errors import RewordedResponse
from api.base.models import model_of
from api.base.routing import Acting, Door, SignedInRoute
from engine.plugins.step import Role
from engine.tools.servers import ServerChange, ServerTool

router = APIRouter(
    prefix="/api/connections/{name}/tools",
    tags=["Connections"],
    route_class=SignedInRoute,
    default_response_class=RewordedResponse,
)


@model_of(ServerChange)
class ChangeDocument(BaseModel):
    """What differs from what was accepted, as text; empty where it was or is absent."""


@model_of(ServerTool)
class ServerToolDocument(BaseModel):
    """A tool of an MCP server; its title, description, schemas and annotations are claims of the server."""

    effect: Literal["", "reads", "writes"] = Field(
        description="The effect that a person has chosen; empty if nobody has accepted it."
    )
    changes: list[ChangeDocument]


class ServerTools(BaseModel):
    """What a server offers, and what was accepted of it and is gone."""

    tools: list[ServerToolDocument]


class ToolAcceptance(RequestBody):
    """What a person says of a tool; `hash`: of the tool that they have looked at."""

    tool: str = Field(min_length=1, max_length=1_000)
    hash: str = Field(min_length=1, max_length=100)
    effect: Literal["reads", "writes"] = "writes"
    roles: dict[str, Annotated[Role, Field(strict=False)]] = Field(default_factory=dict, examples=[{"text": "content"}])


class Withdrawn(BaseModel):
    """The tool that steps may no longer call."""

    withdrawn: str


@router.get("", summary="List the tools of an MCP server", response_model=ServerTools)
def list_server_tools(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Ask an MCP server for its tools, and compare them with what was accepted. For owners."""
    return {"tools": [asdict(one) for one in orchestra.tool_servers.tools(principal, name)]}


@router.post("", summary="Accept a tool of an MCP server", response_model=ServerToolDocument)
def accept_server_tool(name: str, sent: ToolAcceptance, orchestra: Door, principal: Acting) -> Any:
    """Make a tool, as it is now, a step type. For owners; 409 if its hash differs from the one sent."""
    servers = orchestra.tool_servers
    return asdict(servers.accept(principal, name, sent.tool, sent.effect, sent.roles, sent.hash))


@router.delete("/{tool}", summary="Withdraw a tool of an MCP server", response_model=Withdrawn)
def withdraw_server_tool(name: str, tool: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Withdraw a tool, so that steps can no longer call it; `tool` is its name in steps. For owners.

    Runs that have started keep it.
    """
    orchestra.tool_servers.withdraw(principal, name, tool)
    return {"withdrawn": tool}
