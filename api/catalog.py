"""What a workspace has: workflows, prompts, step types; names of workflows and steps can be changed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.catalog_documents import (
    PromptRows,
    PromptView,
    Renaming,
    StepRenaming,
    StepTypeRows,
    Verdict,
    WorkflowRows,
    WorkflowText,
    WorkflowView,
)
from api.routing import Acting, Door, SignedInRoute

router = APIRouter(prefix="/api", route_class=SignedInRoute)


@router.get("/workflows", tags=["Workflows"], summary="List workflows", response_model=WorkflowRows)
def list_workflows(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Give every workflow with the number of its problems."""
    return {"workflows": orchestra.workflows.list(principal)}


@router.get("/workflows/{name}", tags=["Workflows"], summary="Get a workflow", response_model=WorkflowView)
def get_workflow(name: str, orchestra: Door, principal: Acting) -> Any:
    """Give a workflow's text, content and problems."""
    return orchestra.workflows.get(principal, name)


@router.post(
    "/workflows/{name}/validate", tags=["Workflows"], summary="Check the text of a workflow", response_model=Verdict
)
def check_workflow(name: str, sent: WorkflowText, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Say what would be wrong with this text as the file of this workflow; nothing is saved."""
    problems = orchestra.workflows.check(principal, name, sent.text)
    return {"valid": not any(problem.severity == "error" for problem in problems), "problems": problems}


@router.post("/workflows/{name}/rename", tags=["Workflows"], summary="Rename a workflow", response_model=WorkflowView)
def rename_workflow(name: str, sent: Renaming, orchestra: Door, principal: Acting) -> Any:
    """Give a workflow another name; layout, saved versions, receipts and what its triggers have seen go along.

    409 where the name is taken, or a run of the workflow has not ended.
    """
    return orchestra.workflows.rename(principal, name, sent.new)


@router.post("/workflows/{name}/rename-step", tags=["Workflows"], summary="Rename a step", response_model=WorkflowView)
def rename_step(name: str, sent: StepRenaming, orchestra: Door, principal: Acting) -> Any:
    """Give a step another id everywhere: expressions, needs, drawing, receipts.

    409 where the id is taken, a run of the workflow has not ended, or the text is not the one that `etag` means.
    """
    return orchestra.workflows.rename_step(principal, name, sent.old, sent.new, sent.etag)


@router.get("/prompts", tags=["Prompts"], summary="List prompts", response_model=PromptRows)
def list_prompts(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Give every prompt."""
    return {"prompts": orchestra.prompts.list(principal)}


@router.get("/prompts/{name}", tags=["Prompts"], summary="Get a prompt", response_model=PromptView)
def get_prompt(name: str, orchestra: Door, principal: Acting, version: int | None = None) -> Any:
    """Give a prompt's working text, or one saved version of it."""
    return orchestra.prompts.get(principal, name, version)


@router.get("/step-types", tags=["Workflows"], summary="List step types", response_model=StepTypeRows)
def list_step_types(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Give every step type with its fields and output."""
    return {"step_types": orchestra.step_types(principal)}
