"""`/api/fragments`: texts that several prompts share."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from api.base.documents import DeletedItem, FileTextBody, NewName, Refusal, ReplacedText
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from api.routes.prompts.changes import ChangedText
from engine.prompts.fragment_files import Fragment, FragmentSummary
from engine.runs.prompt_tries.prompt_differences import fragment_differences
from engine.workspace.history import TextVersion

router = APIRouter(prefix="/api/fragments", tags=["Prompts"], route_class=SignedInRoute)
_IN_USE: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "It is in use, or was changed"}}


class FragmentRows(BaseModel):
    """The fragments, by name."""

    fragments: list[FragmentSummary]


class FragmentVersions(BaseModel):
    """The last 20 saved texts, newest first."""

    versions: list[TextVersion]


class FragmentVersion(BaseModel):
    """An earlier text, and how the current one differs from it."""

    id: str
    text: str
    differences: list[ChangedText]


class FragmentRenamed(BaseModel):
    """A fragment under its new name, and the prompts that changed with it."""

    name: str
    prompts: list[str]


@router.get("", summary="List fragments", response_model=FragmentRows)
def list_fragments(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List all fragments with the prompts and fragments that name them."""
    return {"fragments": orchestra.fragments.list(principal)}


@router.get("/{name}", summary="Get a fragment", response_model=Fragment)
def get_fragment(name: str, orchestra: Door, principal: Acting) -> Any:
    """Return a fragment with its problems and users."""
    return orchestra.fragments.get(principal, name)


@router.put(
    "/{name}", summary="Save a fragment", response_model=Fragment, responses=_IN_USE | TOO_MANY, dependencies=[CHECKED]
)
def save_fragment(name: str, sent: FileTextBody, orchestra: Door, principal: Acting) -> Any:
    """Save the text of a fragment; the answer lists its problems, which do not prevent saving.

    `etag` belongs to the text to replace; without it, the fragment must not exist yet. 409 if the file has changed.
    """
    return orchestra.fragments.save(principal, name, sent.text, sent.etag)


@router.get("/{name}/versions", summary="List the texts of a fragment", response_model=FragmentVersions)
def list_fragment_versions(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the last 20 saved texts, newest first."""
    return {"versions": orchestra.fragments.versions(principal, name)}


@router.get("/{name}/versions/{version_id}", summary="Get an earlier text", response_model=FragmentVersion)
def get_fragment_version(name: str, version_id: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Return one of the last 20 texts, and how the current one differs from it by word."""
    fragments = orchestra.fragments
    text = fragments.version_text(principal, name, version_id)
    return {"id": version_id, "text": text, "differences": fragment_differences(fragments, principal, name, version_id)}


@router.post(
    "/{name}/versions/{version_id}/restore",
    summary="Restore an earlier text",
    response_model=Fragment,
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def restore_fragment(name: str, version_id: str, sent: ReplacedText, orchestra: Door, principal: Acting) -> Any:
    """Save an earlier text again; the current one is kept, too. 409 if the file has changed."""
    return orchestra.fragments.restore(principal, name, version_id, sent.etag)


@router.delete("/{name}", summary="Delete a fragment", response_model=DeletedItem, responses=_IN_USE)
def delete_fragment(name: str, orchestra: Door, principal: Acting) -> dict[str, str]:
    """Move a fragment to the trash. 409 while a prompt or another fragment names it."""
    return {"name": name, "trash": orchestra.fragments.delete(principal, name).name}


@router.post(
    "/{name}/rename",
    summary="Rename a fragment",
    response_model=FragmentRenamed,
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def rename_fragment(name: str, sent: NewName, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Rename a fragment, also where prompts and fragments name it. 409 if the name is taken."""
    return {"name": sent.new, "prompts": orchestra.fragments.rename(principal, name, sent.new)}
