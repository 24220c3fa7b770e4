"""`/api/connections` and `/api/troubles`: whose accounts workflows work on, whether they work, how to sign in."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter

from api.connection_documents import (
    BroughtBack,
    CheckView,
    ClientSecret,
    ConnectionRow,
    ConnectionRows,
    LocalServers,
    ModeChoice,
    NewConnection,
    NewKey,
    SignInView,
    Troubles,
)
from api.routing import Acting, Door, SignedInRoute
from engine.connections.sign_ins import SignIn
from engine.errors import UnknownName

router = APIRouter(prefix="/api", tags=["Connections"], route_class=SignedInRoute)


@router.get("/connections", summary="List connections", response_model=ConnectionRows)
def list_connections(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Give every connection and whose account it touches; no secret is ever shown."""
    return {"connections": orchestra.connections.list(principal)}


@router.get("/troubles", summary="List accounts that refuse", response_model=Troubles)
def list_troubles(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Give the accounts that refuse what workflows need; nothing that needs them begins until it is made good."""
    return {"troubles": orchestra.connections.troubles(principal)}


@router.get("/local-models", summary="Look for model servers", response_model=LocalServers)
def list_local_models(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Ask the usual ports of this machine for model servers; found ones are offered, none is used by itself."""
    return {"servers": orchestra.connections.local_models(principal)}


@router.get("/connections/{name}", summary="Get a connection", response_model=ConnectionRow)
def get_connection(name: str, orchestra: Door, principal: Acting) -> Any:
    """Give one connection."""
    return orchestra.connections.get(principal, name)


@router.put("/connections/{name}", summary="Add or change a connection", response_model=ConnectionRow)
def put_connection(name: str, sent: NewConnection, orchestra: Door, principal: Acting) -> Any:
    """Add it to config.yaml, or change these settings of it; what is not given stays."""
    return orchestra.connections.add(principal, name, sent.service, sent.settings)


@router.post("/connections/{name}/check", summary="Check a connection", response_model=CheckView)
def check_connection(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Examine it and say what works, line by line; each that does not names the next step."""
    lines = orchestra.connections.check(principal, name)
    return {"ok": all(line.ok for line in lines), "lines": lines}


@router.post("/connections/{name}/key", summary="Keep a key for a connection", response_model=ConnectionRow)
def give_key(name: str, sent: NewKey, orchestra: Door, principal: Acting) -> Any:
    """Keep a key of one's own, sealed; without one change only what stands beside it."""
    return orchestra.connections.give_key(principal, name, sent.key, sent.beside)


@router.post("/connections/{name}/mode", summary="Switch to Demo or Mine", response_model=ConnectionRow)
def set_mode(name: str, sent: ModeChoice, orchestra: Door, principal: Acting) -> Any:
    """Switch the service of this connection between the stand-in and one's own account."""
    connections = orchestra.connections
    connections.set_mode(principal, connections.get(principal, name).service, sent.mode)
    return connections.get(principal, name)


@router.post("/connections/{name}/sign-in", summary="Begin a sign-in", response_model=SignInView)
def begin_sign_in(name: str, sent: ClientSecret, orchestra: Door, principal: Acting) -> Any:
    """Begin a sign-in at Google; a person opens `address` in the browser of the machine that this server runs on."""
    return _shown(orchestra.connections.begin_sign_in(principal, name, json.dumps(sent.client_secret).encode()))


@router.post("/connections/{name}/sign-in/back", summary="Hand in the address of a sign-in", response_model=SignInView)
def bring_back(name: str, sent: BroughtBack, orchestra: Door, principal: Acting) -> Any:
    """Hand on the address at which a browser on another machine ended, since it could not come back by itself."""
    return _shown(orchestra.connections.bring_back(principal, name, sent.address))


@router.get("/connections/{name}/sign-in", summary="Follow a sign-in", response_model=SignInView)
def get_sign_in(name: str, orchestra: Door, principal: Acting) -> Any:
    """Say how far the sign-in is that was begun last."""
    found = orchestra.connections.sign_in(principal, name)
    if found is None:
        raise UnknownName("sign-in", name, remedy="POST to this address begins one.")
    return _shown(found)


def _shown(sign_in: SignIn) -> dict[str, Any]:
    error = sign_in.error
    said = {"message": error.message, "remedy": error.remedy} if error is not None else {}
    return {"state": sign_in.state, "address": sign_in.address, **said}
