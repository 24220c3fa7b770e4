"""`POST /auth/login`: exchange a user id and password for an access token."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.base.authentication import client_address
from api.base.documents import Refusal, RequestBody
from api.base.errors import Unauthorized
from api.base.routing import Door, OpenRoute
from engine.people.tokens import TOKEN_LASTS

router = APIRouter(tags=["Sign-in"], route_class=OpenRoute)


class UserCredentials(RequestBody):
    """The credentials of a user."""

    user_id: str = Field(min_length=1, max_length=64, examples=["owner"])
    password: str = Field(min_length=1, max_length=1_000, json_schema_extra={"format": "password"})


class AccessToken(BaseModel):
    """An access token (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a kind, not a secret
    expires_in: int = Field(description="Seconds.")


@router.post("/auth/login", summary="Get an access token", responses={429: {"model": Refusal}})
def get_access_token(
    credentials: UserCredentials, orchestra: Door, request: Request, response: Response
) -> AccessToken:
    """Return an access token for one hour. It ends earlier if the password changes or the user is removed."""
    token = orchestra.users.token(credentials.user_id, credentials.password, client_address(request))
    if token is None:
        raise Unauthorized("User or password is wrong.")
    response.headers["Cache-Control"] = "no-store"  # RFC 6749, 5.1
    return AccessToken(access_token=token, expires_in=int(TOKEN_LASTS.total_seconds()))
