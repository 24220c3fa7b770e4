"""`/api/tools`: the step types that people of the workspace have written."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.base.routing import Acting, Door, SignedInRoute

router = APIRouter(prefix="/api/tools", tags=["Tools"], route_class=SignedInRoute)


class ToolDocument(BaseModel):
    """A tool: what its file says, the state of its tests, and which workflows use it."""

    name: str
    state: Literal["tested", "changed", "untested", "invalid"] = Field(
        description="Workflows can use it only if it is `tested`; `changed`: since its last test."
    )
    problem: str = Field(description="Why it is invalid; else empty.")
    version: str
    description: str
    language: str
    effect: str
    network: list[str] = Field(description="The hosts that it may reach.")
    input: dict[str, Any] | None = Field(description="JSON Schema.")
    output: dict[str, Any] | None = Field(description="JSON Schema.")
    dependencies: list[str] = Field(description="The packages of Python that it needs (PEP 508).")
    packages: list[str] = Field(description="What is locked for them, such as `idna 3.20`.")
    files: list[str]
    used_by: list[str]


class ToolList(BaseModel):
    """All tools, by name."""

    tools: list[ToolDocument]


class TestedDocument(BaseModel):
    """How a test went; `said`: why it did not pass."""

    name: str
    passed: bool
    said: str


class ToolTestDocument(BaseModel):
    """A run of all tests of a tool; `passed`: all did, so that workflows can use it."""

    name: str
    version: str
    passed: bool
    tests: list[TestedDocument]


class LockedDocument(BaseModel):
    """The packages of a tool as they are locked now; `changed`: the lock was another before."""

    name: str
    packages: list[str]
    changed: bool


@router.get("", summary="List tools", response_model=ToolList)
def list_tools(orchestra: Door, principal: Acting) -> Any:
    """Return every tool, valid or not."""
    return {"tools": [asdict(one) for one in orchestra.tools.list(principal)]}


@router.get("/{name}", summary="Show a tool", response_model=ToolDocument)
def show_tool(orchestra: Door, principal: Acting, name: str) -> Any:
    """Return a tool; 404 if there is none of this name."""
    return asdict(orchestra.tools.show(principal, name))


@router.post("/{name}/lock", summary="Lock the packages of a tool", response_model=LockedDocument)
def lock(orchestra: Door, principal: Acting, name: str) -> Any:
    """Lock the dependencies of a tool to exact packages, and download them; nothing of a package runs."""
    return asdict(orchestra.tools.lock(principal, name))


@router.post("/{name}/test", summary="Test a tool", response_model=ToolTestDocument)
def run_tests(
    orchestra: Door,
    principal: Acting,
    name: str,
    accounts: Annotated[Literal["mine", "demo"], Query(description="`demo`: without network.")] = "mine",
) -> Any:
    """Run all tests of a tool in the sandbox; if they pass, workflows can use it as it is now."""
    return asdict(orchestra.tools.test(principal, name, demo=accounts == "demo"))
