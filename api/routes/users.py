"""`/api/users` and `/api/audit`: who may sign in, and who changed what."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.base.documents import Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from engine.people.people import User
from engine.store.people.audit import AuditLine, TrailFilter

router = APIRouter(prefix="/api", tags=["Users"], route_class=SignedInRoute)

Password = Annotated[str, Field(min_length=1, max_length=1_000, json_schema_extra={"format": "password"})]


class NewUser(RequestBody):
    """A new user; without a password they sign in by link."""

    id: str = Field(min_length=1, max_length=64, examples=["ann@example.org"])
    name: str = Field(default="", max_length=100, description="Default: the id.")
    role: str = Field(default="viewer", max_length=20, examples=["editor"])
    password: Password | None = None


class NewLanguage(RequestBody):
    """The language of the dashboard for a user."""

    language: str = Field(max_length=3, description="The code of the language; empty: the browser's.", examples=["de"])


class NewIdentity(RequestBody):
    """Who a user is at the sign-in provider."""

    subject: str = Field(min_length=1, max_length=255, examples=["248289761001"])


class AuditQuery(BaseModel):
    """Which entries of the audit trail to list, newest first."""

    model_config = ConfigDict(extra="forbid")

    who: str = Field(default="", max_length=100)
    action: str = Field(
        default="", max_length=100, description="One action (`users.add`), or all of a group (`users`)."
    )
    since: AwareDatetime | None = Field(default=None, description="Only lines at or after this time (RFC 3339).")
    until: AwareDatetime | None = Field(default=None, description="Only lines before this time (RFC 3339).")
    before: int | None = Field(default=None, ge=1, description="`next` of the previous page.")
    limit: int = Field(default=50, ge=1, le=1_000)


class AuditPage(BaseModel):
    """A page of the audit trail; `next` leads to the following page."""

    lines: list[AuditLine]
    next: int | None


@router.post("/users", summary="Add a user", status_code=201, response_model=User, responses={409: {"model": Refusal}})
def add_user(sent: NewUser, orchestra: Door, principal: Acting) -> Any:
    """Add a user. 409 if the id is taken."""
    return orchestra.users.add(principal, sent.id, sent.name or sent.id, sent.role, sent.password)


@router.put("/users/{user_id}/language", summary="Choose a language", response_model=NewLanguage)
def set_language(user_id: str, sent: NewLanguage, orchestra: Door, principal: Acting) -> Any:
    """Choose the language of the dashboard for a user; users may choose their own."""
    orchestra.languages.set(principal, user_id, sent.language)
    return sent


@router.put(
    "/users/{user_id}/identity",
    summary="Link a user with the sign-in provider",
    response_model=NewIdentity,
    responses={409: {"model": Refusal}},
)
def link_user(user_id: str, sent: NewIdentity, orchestra: Door, principal: Acting) -> Any:
    """Let a person of the sign-in provider sign in as a user, whose sessions end. 409 if that person is another one."""
    orchestra.openid.link(principal, user_id, sent.subject)
    return sent


@router.delete("/users/{user_id}/identity", summary="Unlink a user", status_code=204)
def unlink_user(user_id: str, orchestra: Door, principal: Acting) -> None:
    """Stop a person of the sign-in provider from signing in as a user, whose sessions end."""
    orchestra.openid.unlink(principal, user_id)


@router.get("/audit", summary="Read the audit trail", response_model=AuditPage)
def read_audit(orchestra: Door, principal: Acting, which: Annotated[AuditQuery, Query()]) -> dict[str, Any]:
    """Return who changed what and when, newest first; only for owners."""
    lines = orchestra.trail.lines(principal, TrailFilter(**which.model_dump()))
    return {"lines": lines, "next": lines[-1].number if len(lines) == which.limit else None}


@router.get("/audit/csv", summary="Export the audit trail", response_class=Response)
def export_audit(orchestra: Door, principal: Acting, which: Annotated[AuditQuery, Query()]) -> Response:
    """Export all matching entries as CSV; cells that a spreadsheet would run as formulas get a leading apostrophe."""
    text = orchestra.trail.csv(principal, TrailFilter(**which.model_dump()))
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"', "Cache-Control": "no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
