"""Workflows, prompts and step types of a workspace, and the search; workflows and steps can be renamed."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.base.documents import NewName
from api.base.routing import Acting, Door, SignedInRoute
from api.base.threads import reading
from api.base.turns import CHECKED, TOO_MANY
from api.routes.catalog_documents import (
    Hits,
    NamesInScope,
    PlaceInWorkflow,
    PromptRows,
    SampleRows,
    StepRenaming,
    StepTypeNames,
    StepTypeRows,
    ValidationResult,
    WorkflowRows,
    WorkflowText,
    WrittenStepTypes,
)
from engine.prompts.prompt_files import PromptFile
from engine.search.search import LONGEST_QUERY, MOST_HITS
from engine.search.step_search import LONGEST_REQUEST
from engine.workflows.workflow_files import WorkflowFile

router = APIRouter(prefix="/api", route_class=SignedInRoute)
_step_types = WrittenStepTypes()


@router.get("/workflows", tags=["Workflows"], summary="List workflows", response_model=WorkflowRows)
async def list_workflows(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List all workflows, with the number of problems of each."""
    return {"workflows": await reading.run(partial(orchestra.workflows.list, principal))}


@router.get("/workflows/{name}", tags=["Workflows"], summary="Get a workflow", response_model=WorkflowFile)
async def get_workflow(name: str, orchestra: Door, principal: Acting) -> Any:
    """Return a workflow's text, content and problems."""
    return await reading.run(partial(orchestra.workflows.get, principal, name))


@router.post(
    "/workflows/{name}/validate",
    tags=["Workflows"],
    summary="Check the text of a workflow",
    response_model=ValidationResult,
    dependencies=[CHECKED],
    responses=TOO_MANY,
)
def check_workflow(name: str, sent: WorkflowText, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Check a text as the file of this workflow and return its problems; nothing is saved."""
    problems = orchestra.workflows.check(principal, name, sent.text)
    return {"valid": not any(problem.severity == "error" for problem in problems), "problems": problems}


@router.post(
    "/workflows/{name}/names",
    tags=["Workflows"],
    summary="List the names in scope",
    response_model=NamesInScope,
    dependencies=[CHECKED],
    responses=TOO_MANY,
)
def names_in_scope(name: str, sent: PlaceInWorkflow, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Return the names that expressions at a place of a text may use, with their types; nothing is saved."""
    return {"names": orchestra.workflows.names_at(principal, name, sent.text, sent.line, sent.column)}


@router.post(
    "/workflows/{name}/rename",
    tags=["Workflows"],
    summary="Rename a workflow",
    response_model=WorkflowFile,
    dependencies=[CHECKED],
    responses=TOO_MANY,
)
def rename_workflow(name: str, sent: NewName, orchestra: Door, principal: Acting) -> Any:
    """Rename a workflow, with its layout and saved versions, also in the workflows that call it.

    409 if the name is taken.
    """
    return orchestra.workflows.rename(principal, name, sent.new)


@router.post(
    "/workflows/{name}/rename-step",
    tags=["Workflows"],
    summary="Rename a step",
    response_model=WorkflowFile,
    dependencies=[CHECKED],
    responses=TOO_MANY,
)
def rename_step(name: str, sent: StepRenaming, orchestra: Door, principal: Acting) -> Any:
    """Change the id of a step everywhere: in expressions, `needs`, the drawing and receipts.

    409 if the id is taken, a run of the workflow has not ended, or the file has changed since `etag`.
    """
    return orchestra.workflows.rename_step(principal, name, sent.old, sent.new, sent.etag)


@router.get("/prompts", tags=["Prompts"], summary="List prompts", response_model=PromptRows)
def list_prompts(
    orchestra: Door,
    principal: Acting,
    search: str = "",
    tag: Annotated[list[str] | None, Query(description="Only those with this tag; may be repeated.")] = None,
) -> dict[str, Any]:
    """List all prompts, or those with a text in their name, title, description or tags."""
    return {"prompts": orchestra.prompts.list(principal, search, tag or [])}


@router.get("/prompts/{name}", tags=["Prompts"], summary="Get a prompt", response_model=PromptFile)
def get_prompt(name: str, orchestra: Door, principal: Acting, version: int | None = None) -> Any:
    """Return the draft of a prompt, or a saved version."""
    return orchestra.prompts.get(principal, name, version)


@router.get("/gallery", tags=["Workflows"], summary="List the shipped workflows", response_model=SampleRows)
async def list_gallery(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the workflows that come with AI-Orchestra; `POST /api/workflows` with `sample` copies one."""
    return {"workflows": await reading.run(partial(orchestra.workflows.samples, principal))}


@router.get("/step-types", tags=["Workflows"], summary="List step types", response_model=StepTypeRows)
async def list_step_types(orchestra: Door, principal: Acting) -> Any:
    """List all step types with their fields and outputs."""
    written = await reading.run(lambda: _step_types.of(orchestra.step_types(principal)))
    return Response(written, media_type="application/json")


@router.get("/step-types/fitting", tags=["Workflows"], summary="Find step types", response_model=StepTypeNames)
async def find_step_types(
    orchestra: Door,
    principal: Acting,
    q: Annotated[str, Query(max_length=LONGEST_REQUEST, description="What a step should do, in plain words.")] = "",
) -> dict[str, Any]:
    """Find the step types that fit words such as "post a summary to Slack" or "eine Antwort senden", best first."""
    return {"names": await reading.run(partial(orchestra.fitting_step_types, principal, q))}


@router.get("/search", tags=["Search"], summary="Search the workspace", response_model=Hits)
async def search(
    orchestra: Door,
    principal: Acting,
    q: Annotated[str, Query(max_length=LONGEST_QUERY, description="Words of a name or a title.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_HITS)] = 20,
) -> dict[str, Any]:
    """Find everything in the workspace, from workflows to files, that has all of these words, the best first."""
    return {"hits": await reading.run(partial(orchestra.search.find, principal, q, limit))}
