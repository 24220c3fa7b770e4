"""The outside services: each is a module of `clients/` with its client class, or a folder with `client.py` and
`service.py`, its declaration. A question about a service imports only the declaration. Installed packages add others.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeGuard

import clients
from clients.service import Service, ServiceKind
from demo import endpoints
from engine.base.errors import UnknownName
from engine.base.statuses import AccountMode
from engine.packages.in_force import packages

if TYPE_CHECKING:
    from clients.client import Client
    from clients.sign_in import SignInWay


def client_class(service: str) -> type[Client]:
    """Return the client class of a service; only its own modules are imported. Raises UnknownName."""
    found = _client_in(service) or _added(service)
    if found is None:
        raise UnknownName("service", service, [one.name for one in services()])
    return found


def client_classes() -> Mapping[str, type[Client]]:
    """Return the client class of every service, by service name."""
    return {one.name: client_class(one.name) for one in services()}


def services() -> Iterator[Service]:
    """Yield the declaration of every service, by name."""
    yield from (found for name in _files() if (found := _shipped(name)) is not None)
    yield from (kind.service for one in packages().added for kind in one.services.values())


def declaration(name: str) -> Service:
    """Return the declaration of a service. Raises UnknownName."""
    found = service_of(name)
    if found is None:
        raise UnknownName("service", name, [one.name for one in services()])
    return found


def service_of(name: str | None) -> Service | None:
    """Return the declaration of a service; None for a name that is not a service, as in the records of old runs."""
    if name is None or (found := _shipped(name)) is not None:
        return None if name is None else found
    added = _added(name)
    return None if added is None else added.service


def is_shipped(name: str) -> bool:
    """Tell whether a name is taken by `clients/`, for a service or for what services share."""
    return name in _files()


def _added(service: str) -> type[Client] | None:
    """Return the client class of a service that an installed package adds."""
    return next((one.services[service] for one in packages().added if service in one.services), None)


@cache
def _shipped(name: str) -> Service | None:
    """Return the declaration of a service of `clients/`."""
    if name not in _files():
        return None
    if not _files()[name]:
        client = _client_in(name)
        return client.service if client is not None else None
    try:
        declaring = importlib.import_module(f"clients.{name}.service")
    except ModuleNotFoundError as error:
        if error.name != f"clients.{name}.service":
            raise
        return None  # a folder that clients share
    return next(one for one in vars(declaring).values() if isinstance(one, Service) and one.name == name)


def has_stand_in(service: str) -> bool:
    """Tell whether the demo has a stand-in for a service; otherwise only the owner's own accounts exist."""
    return service in endpoints.NAMES or service in endpoints.FILES


def is_stand_in(service: str, mode: str) -> bool:
    """Tell whether the demo's stand-in answers for an account; a service without one is itself in the demo, too."""
    return mode == AccountMode.DEMO and has_stand_in(service)


def is_in_workspace(service: str | None, connection: str | None) -> bool:
    """Tell whether a step's service is a part of the workspace, such as its tables."""
    found = service_of(service) if connection is None else None
    return found is not None and found.is_in_workspace


def is_model(service: str | None) -> bool:
    """Tell whether a service is a language model."""
    return kind_of(service) == "model"


def makes_vectors(service: str | None) -> bool:
    """Tell whether a service is one of models that turn texts into vectors."""
    found = service_of(service)
    return found is not None and bool(found.embedding_model)


def is_for(service: str | None, needed: str | None) -> bool:
    """Tell whether a connection to a service is one that a step or trigger needs: any of its kind, if it has one."""
    return service is not None and (service == needed or kind_of(service) == kind_of(needed) != "")


def kind_of(service: str | None) -> ServiceKind:
    """Return what a service has in common with others, empty if nothing."""
    found = service_of(service)
    return found.kind if found is not None else ""


def runs_locally(service: str) -> bool:
    """Tell whether the model servers that people run on their own machine have the API of a service."""
    return declaration(service).runs_locally


def offers_tools(service: str) -> bool:
    """Tell whether accounts of a service have tools that become step types once a person has accepted them."""
    return declaration(service).offers_tools


def pickers() -> Mapping[str, str]:
    """Return what a person picks instead of typing: {format of a field: a service that lists the choices}."""
    return {form: one.name for one in services() for form in one.pickers}


def sign_in_of(service: str, settings: Mapping[str, Any]) -> SignInWay | None:
    """Return how a person signs in again to a connection with these settings; None if it has a key instead."""
    client = client_class(service)
    is_signed_in = client.sign_in_way is not None or settings.get("token_file")
    return client.sign_in_for(settings) if is_signed_in else None


def add_command(service: str, name: str, way: SignInWay | None = None) -> str:
    """Return the command that replaces the key of a connection, or signs it in again; `way`: how one does."""
    client, given = client_class(service), ""
    way = way or client.sign_in_way
    if way is not None:
        given = " --client-id ID" if way.id_label else " --client-secret FILE"
    elif client.service.key is None:
        given = " --set KEY=env:VARIABLE"
    named = "" if name == service else f" --name {name}"
    return f"`orchestra connections add {service}{named}{given}`"


def forget() -> None:
    """Discard what was found, so that the folder is read again."""
    for found in (_shipped, _client_in, _files):
        found.cache_clear()


@cache
def _files() -> Mapping[str, bool]:
    """Return the modules of `clients/` by name, and whether each is a folder."""
    return {module.name: module.ispkg for module in sorted(pkgutil.iter_modules(clients.__path__), key=itemgetter(1))}


@cache
def _client_in(name: str) -> type[Client] | None:
    """Return the client class in a module of `clients/`, if there is one."""
    if name not in _files() or (_files()[name] and _shipped(name) is None):
        return None
    module = importlib.import_module(f"clients.{name}.client" if _files()[name] else f"clients.{name}")
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if is_client(kind)]
    return next((kind for kind in kinds if kind.service.name == name), None)


def is_client(kind: type[object]) -> TypeGuard[type[Client]]:
    """Tell whether a class is the client of a service."""
    return isinstance(getattr(kind, "service", None), Service) and not inspect.isabstract(kind)
