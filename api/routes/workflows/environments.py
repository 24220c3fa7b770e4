"""`/api/environments`: what environments set, and promoting workflows from one to another."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, JsonValue

from api.base.documents import DeletedItem, Name, Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from engine.base.problem import Problem
from engine.runs.environments.promotion import Promotion
from engine.runs.environments.reader import EnvironmentStatus
from engine.runs.environments.removal import Removal

router = APIRouter(prefix="/api/environments", tags=["Environments"], route_class=SignedInRoute)
_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {"model": Refusal, "description": "It is in use, or was changed since it was checked"}
}


class EnvironmentList(BaseModel):
    """All environments, the default one first; none means that every run uses the file as it is."""

    environments: list[EnvironmentStatus]


class NewEnvironment(RequestBody):
    """A new environment."""

    name: Name
    title: str = Field(default="", max_length=200)
    others: Literal["current", "none"] = Field(
        default="current",
        description="Workflows that are not promoted run their file as it is (`current`), or do not run (`none`).",
    )


class Variables(RequestBody):
    """Values of variables; null removes one."""

    variables: dict[str, JsonValue] = Field(min_length=1, max_length=1_000, examples=[{"DATABASE": "Tasks"}])


class EnvironmentConnections(RequestBody):
    """The connection used for each of these names, `demo` for the demo; null: the one of that name."""

    connections: dict[str, str | None] = Field(min_length=1, max_length=1_000, examples=[{"work": "demo"}])


class WorkflowBody(RequestBody):
    """A workflow."""

    workflow: Name


class Promoting(WorkflowBody):
    """Which version to promote."""

    source: str = Field(
        default="", max_length=64, description="The environment whose version to promote.", examples=["dev"]
    )
    version: str = Field(default="", max_length=200, description="A saved version instead: its id, number or label.")
    hash: str = Field(
        default="",
        max_length=64,
        description="The `hash` of the checked promotion; if it differs, the request is refused.",
    )


class ProblemList(BaseModel):
    """What prevents workflows from running there."""

    problems: list[Problem]


@router.get("", summary="List environments", response_model=EnvironmentList)
def list_environments(orchestra: Door, principal: Acting) -> Any:
    """Return every environment, the default one first."""
    return {"environments": orchestra.environments.list(principal)}


@router.post("", summary="Create an environment", status_code=201, response_model=EnvironmentStatus, responses=_REFUSED)
def create_environment(sent: NewEnvironment, orchestra: Door, principal: Acting) -> Any:
    """Create an environment. 409 if the name is taken."""
    return orchestra.environments.create(principal, sent.name, sent.title, sent.others)


@router.post(
    "/init", summary="Create dev and prod", status_code=201, response_model=EnvironmentList, responses=_REFUSED
)
def init_environments(orchestra: Door, principal: Acting) -> Any:
    """Create `dev`, where files run as they are, and `prod`, where promoted versions run."""
    return {"environments": orchestra.environments.init(principal)}


@router.get("/{name}", summary="Get an environment", response_model=EnvironmentStatus)
def get_environment(name: str, orchestra: Door, principal: Acting) -> Any:
    """Return an environment: its workflows, connections and variables."""
    return orchestra.environments.get(principal, name)


@router.delete("/{name}", summary="Delete an environment", response_model=DeletedItem, responses=_REFUSED)
def delete_environment(name: str, orchestra: Door, principal: Acting) -> Any:
    """Move an environment to the trash. 409 while triggers start runs there, or it is the default."""
    return {"name": name, "trash": orchestra.environments.delete(principal, name).name}


@router.get("/{name}/problems", summary="Check an environment", response_model=ProblemList)
def check_environment(name: str, orchestra: Door, principal: Acting) -> Any:
    """Compile every workflow that runs there, and return the errors."""
    return {"problems": orchestra.environments.problems(principal, name)}


@router.put("/{name}/variables", summary="Set variables", response_model=EnvironmentStatus)
def set_variables(name: str, sent: Variables, orchestra: Door, principal: Acting) -> Any:
    """Set these variables and leave the others. Refused if a workflow that runs there would no longer compile."""
    return orchestra.environments.set_variables(principal, name, sent.variables)


@router.put("/{name}/connections", summary="Set connections", response_model=EnvironmentStatus)
def set_connections(name: str, sent: EnvironmentConnections, orchestra: Door, principal: Acting) -> Any:
    """Set the connection that is used for each of these names; the others stay as they are."""
    return orchestra.environments.connect(principal, name, sent.connections)


@router.put("/{name}/default", summary="Choose the default environment", response_model=EnvironmentStatus)
def set_default(name: str, orchestra: Door, principal: Acting) -> Any:
    """Make this the environment of runs and triggers that name none."""
    orchestra.environments.set_default(principal, name)
    return orchestra.environments.get(principal, name)


@router.put("/{name}/triggers", summary="Move triggers to an environment", response_model=EnvironmentStatus)
def move_triggers(name: str, sent: WorkflowBody, orchestra: Door, principal: Acting) -> Any:
    """Let the triggers of a workflow start their runs in this environment."""
    orchestra.environments.move_triggers(principal, sent.workflow, name)
    return orchestra.environments.get(principal, name)


@router.get("/{name}/promotion", summary="Check a promotion", response_model=Promotion)
def check_promotion(
    name: str,
    orchestra: Door,
    principal: Acting,
    workflow: Annotated[str, Query(max_length=64)],
    source: Annotated[str, Query(max_length=64, description="The environment whose version to promote.")] = "",
    version: Annotated[str, Query(max_length=200, description="A saved version instead.")] = "",
) -> Any:
    """Return what promoting a workflow to this environment would change, and the problems that prevent it."""
    return orchestra.environments.check_promotion(principal, workflow, source, name, version=version)


@router.post("/{name}/promote", summary="Promote a workflow", response_model=Promotion, responses=_REFUSED)
def promote(name: str, sent: Promoting, orchestra: Door, principal: Acting) -> Any:
    """Let this environment run the version of another one, or a saved one. 422 with `problems` while a check fails."""
    environments = orchestra.environments
    return environments.promote(principal, sent.workflow, sent.source, name, sent.hash, version=sent.version)


@router.post("/{name}/rollback", summary="Roll a workflow back", response_model=Promotion, responses=_REFUSED)
def roll_back(name: str, sent: WorkflowBody, orchestra: Door, principal: Acting) -> Any:
    """Let this environment run the version of a workflow that it ran before."""
    return orchestra.environments.roll_back(principal, sent.workflow, name)


@router.delete(
    "/{name}/workflows/{workflow}",
    summary="Take a workflow out of an environment",
    response_model=Removal,
    responses=_REFUSED,
)
def remove_workflow(
    name: str,
    workflow: str,
    orchestra: Door,
    principal: Acting,
    triggers_to: Annotated[
        str,
        Query(max_length=64, description="The environment its triggers then start runs in, as named by the 409."),
    ] = "",
) -> Any:
    """Take a workflow out of this environment. 409 if its triggers start runs here and `triggers_to` does not agree."""
    return orchestra.environments.remove(principal, workflow, name, triggers_to)
