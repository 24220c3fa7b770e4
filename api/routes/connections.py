"""`/api/connections` and `/api/troubles`: whose accounts workflows use, whether they work, and how to sign in."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.base.errors import RewordedResponse
from api.base.routing import Acting, Door, SignedInRoute
from api.routes.connection_documents import (
    BroughtBack,
    CheckView,
    ClientSecret,
    ConnectionRow,
    ConnectionRows,
    FieldChoices,
    LocalServers,
    ModeChoice,
    ModelFetchView,
    ModelToFetch,
    NewConnection,
    NewKey,
    SignInView,
    TroubleRows,
)
from clients.errors import ServiceError
from engine.base.errors import OrchestraError, UnknownName
from engine.connections.fetches import ModelFetch
from engine.connections.sign_ins import SignIn

Source = Annotated[str, Query(min_length=1, max_length=2_000, description="As it was when the fetch began.")]
Model = Annotated[str, Query(min_length=1, max_length=200)]

router = APIRouter(
    prefix="/api", tags=["Connections"], route_class=SignedInRoute, default_response_class=RewordedResponse
)


@router.get("/connections", summary="List connections", response_model=ConnectionRows)
def list_connections(
    orchestra: Door,
    principal: Acting,
    uses: Annotated[str, Query(max_length=100, description="Only those that steps of this type can use.")] = "",
) -> dict[str, Any]:
    """List all connections and whose account each one uses; secrets are never shown."""
    connections = orchestra.connections
    return {"connections": connections.for_type(principal, uses) if uses else connections.list(principal)}


@router.get("/choices", summary="List the choices for a field", response_model=FieldChoices)
def list_choices(
    orchestra: Door,
    principal: Acting,
    format: Annotated[str, Query(max_length=100, examples=["model"])],  # noqa: A002 - as in JSON Schema
    connection: Annotated[str, Query(max_length=100, description="Default: the first that has any.")] = "",
) -> dict[str, Any]:
    """Ask an account what a field of this `format` may name: its repositories, databases, folders, labels or models.

    The list is empty if there is no such connection, or its service does not answer. Answers are kept for a minute. 403
    for viewers; 429 if a person causes more than 30 such requests a minute.
    """
    return {"choices": orchestra.connections.choices(principal, format, connection)}


@router.get("/troubles", summary="List accounts that have stopped working", response_model=TroubleRows)
def list_troubles(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the accounts that workflows need and that do not work; no run that needs them starts until they do."""
    return {"troubles": orchestra.connections.troubles(principal)}


@router.get("/local-models", summary="Find model servers", response_model=LocalServers)
def list_local_models(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Ask the usual ports of this machine for model servers; those found are offered, none is used automatically."""
    return {"servers": orchestra.connections.local_models(principal)}


@router.post("/local-models/fetch", summary="Fetch a model", response_model=ModelFetchView)
def begin_fetch(sent: ModelToFetch, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Begin to fetch a model to this machine, unless it is on its way; a fetch that was cut off goes on."""
    return _fetched(sent.source, orchestra.connections.begin_fetch(principal, sent.source, sent.model))


@router.get("/local-models/fetch", summary="Follow the fetch of a model", response_model=ModelFetchView)
def get_fetch(orchestra: Door, principal: Acting, source: Source, model: Model) -> dict[str, Any]:
    """Return how far the latest fetch of this model is. 404 if there is none since the server started."""
    return _fetched(source, orchestra.connections.model_fetch(principal, source, model))


@router.delete("/local-models/fetch", summary="Cancel the fetch of a model", response_model=ModelFetchView)
def cancel_fetch(orchestra: Door, principal: Acting, source: Source, model: Model) -> dict[str, Any]:
    """End the fetch of a model; one that has ended stays as it is. What has arrived is used next time."""
    return _fetched(source, orchestra.connections.cancel_fetch(principal, source, model))


@router.get("/connections/{name}", summary="Get a connection", response_model=ConnectionRow)
def get_connection(name: str, orchestra: Door, principal: Acting) -> Any:
    """Return a connection."""
    return orchestra.connections.get(principal, name)


@router.put("/connections/{name}", summary="Add or change a connection", response_model=ConnectionRow)
def put_connection(name: str, sent: NewConnection, orchestra: Door, principal: Acting) -> Any:
    """Add a connection to config.yaml, or change some of its settings; those not sent stay as they are."""
    return orchestra.connections.add(principal, name, sent.service, sent.settings)


@router.delete("/connections/{name}", summary="Remove a connection", status_code=204)
def remove_connection(name: str, orchestra: Door, principal: Acting) -> None:
    """Take a connection out of config.yaml and delete its secrets. Refused (409) while a workflow uses it."""
    orchestra.connections.remove(principal, name)


@router.post("/connections/{name}/check", summary="Check a connection", response_model=CheckView)
def check_connection(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Check a connection and report line by line what works; each line that fails names the next step."""
    lines = orchestra.connections.check(principal, name)
    return {"ok": all(line.ok for line in lines), "lines": lines}


@router.post("/connections/{name}/key", summary="Store a key for a connection", response_model=ConnectionRow)
def give_key(name: str, sent: NewKey, orchestra: Door, principal: Acting) -> Any:
    """Store your own key, encrypted; without a key, change only the settings that belong to it."""
    return orchestra.connections.give_key(principal, name, sent.key, sent.beside)


@router.delete("/connections/{name}/key", summary="Remove the stored key of a connection", response_model=ConnectionRow)
def remove_key(name: str, orchestra: Door, principal: Acting) -> Any:
    """Delete the stored key; the mode stays, so runs on your own account do not start until there is another one."""
    return orchestra.connections.remove_key(principal, name)


@router.post("/connections/{name}/mode", summary="Switch to Demo or Mine", response_model=ConnectionRow)
def set_mode(name: str, sent: ModeChoice, orchestra: Door, principal: Acting) -> Any:
    """Switch the service of this connection between the demo service and your own account."""
    connections = orchestra.connections
    connections.set_mode(principal, connections.get(principal, name).service, sent.mode)
    return connections.get(principal, name)


@router.post("/connections/{name}/sign-in", summary="Start a sign-in", response_model=SignInView)
def begin_sign_in(name: str, sent: ClientSecret, orchestra: Door, principal: Acting) -> Any:
    """Begin a sign-in at Google; a person opens `address` in a browser on the machine that this server runs on."""
    content = json.dumps(sent.client_secret).encode()
    return _shown(orchestra.connections.begin_sign_in(principal, name, content, sent.service))


@router.post(
    "/connections/{name}/sign-in/back", summary="Complete a sign-in with its address", response_model=SignInView
)
def bring_back(name: str, sent: BroughtBack, orchestra: Door, principal: Acting) -> Any:
    """Pass on the address at which a browser on another machine ended, since it could not reach this server itself."""
    return _shown(orchestra.connections.bring_back(principal, name, sent.address))


@router.get("/connections/{name}/sign-in", summary="Follow a sign-in", response_model=SignInView)
def get_sign_in(name: str, orchestra: Door, principal: Acting) -> Any:
    """Return the state of the latest sign-in."""
    found = orchestra.connections.sign_in(principal, name)
    if found is None:
        raise UnknownName("sign-in", name, remedy="POST to this address to start one.")
    return _shown(found)


def _shown(sign_in: SignIn) -> dict[str, Any]:
    return {"state": sign_in.state, "address": sign_in.address, **_said(sign_in.error)}


def _fetched(source: str, fetch: ModelFetch) -> dict[str, Any]:
    arrived = {"arrived_bytes": fetch.arrived_bytes, "whole_bytes": fetch.whole_bytes}
    return {"source": source, "model": fetch.name, "state": fetch.state, **arrived, **_said(fetch.error)}


def _said(error: OrchestraError | ServiceError | None) -> dict[str, str]:
    return {"message": error.message, "remedy": error.remedy} if error is not None else {}
