"""`POST /auth/login`: user and password become an access token."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.documents import AccessToken, Credentials, Refusal
from api.errors import Unauthorized
from api.routing import Door, OpenRoute
from engine.people.tokens import TOKEN_LASTS

router = APIRouter(tags=["Sign-in"], route_class=OpenRoute)


@router.post("/auth/login", summary="Get an access token", responses={429: {"model": Refusal}})
def get_access_token(credentials: Credentials, orchestra: Door, response: Response) -> AccessToken:
    """Give a token for one hour. It ends earlier when the password changes or the user is removed."""
    token = orchestra.users.token(credentials.user_id, credentials.password)
    if token is None:
        raise Unauthorized("User or password is wrong.")
    response.headers["Cache-Control"] = "no-store"  # RFC 6749, 5.1
    return AccessToken(access_token=token, expires_in=int(TOKEN_LASTS.total_seconds()))
