"""Find the connection of config.yaml that a step uses: the one it names, else the only one of its service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from clients.wording import listed, nearest
from engine.base.services import is_for, kind_of, services
from engine.base.statuses import AccountMode
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.step_model import StepModel
from engine.documents.json_file import JsonPath
from engine.plugins.step import PluginType

if TYPE_CHECKING:
    from engine.compiler.checks.report import Report


class NeededConnection(Struct, frozen=True):
    """What needs a connection, what the connection must be to, and the remedy if it is missing; in words."""

    by: str
    what: str
    adding: str = ""


def connection_name(
    path: JsonPath, named: str | None, kind: PluginType, around: CompilerContext, report: Report
) -> str | None:
    """Return the name of the connection that the step at `path` uses, if any.

    `named` is the name given in the step; problems go to the report.
    """
    connections = around.names
    fitting = [name for name, service in connections.items() if is_for(service, kind.service)]
    if kind.of_connection:
        fitting, named = [name for name in fitting if name == kind.of_connection], named or kind.of_connection
    if named is not None:
        return _named((*path, "connection"), named, kind, fitting, connections, report)
    if kind.service is None or kind.connection_optional:
        return None
    meant = _meant(kind, around)
    if len(meant) == 1:
        return meant[0]
    fitting = [name for name in fitting if name not in around.set_aside]
    seen = f"there are {len(fitting)}: {', '.join(fitting)}" if fitting else "there is none"
    report.add(
        (*path, "uses"),
        f"{kind.name} needs a connection to {_needed(kind)}, and {seen} in config.yaml.",
        "connection",
        f"Name one in 'connection': {', '.join(fitting)}." if fitting else _adding(kind),
    )
    return None


def _meant(kind: PluginType, around: CompilerContext) -> list[str]:
    """Return the connections that a step without `connection` may mean."""
    connections = around.names
    fitting = [
        name for name, service in connections.items() if is_for(service, kind.service) and name not in around.set_aside
    ]
    own = [name for name in fitting if connections[name] == kind.service]
    return own or fitting  # so another model or drive can be added without a change of every step


def account_seen(step: StepModel, kind: PluginType, around: CompilerContext) -> Any:
    """Return what the account of a step was last seen to have; None if nothing is known, or a demo is used."""
    meant = [step.connection] if step.connection is not None else _meant(kind, around)
    environment = around.environment
    if len(meant) != 1 or (environment is not None and environment.connections.get(meant[0]) == AccountMode.DEMO):
        return None
    found = around.seen(around.stands_for(meant[0]))
    return None if found is None else found.what


def model_connection(
    path: JsonPath, named: str, kind: PluginType, connections: Mapping[str, str], report: Report
) -> str | None:
    """Return the connection that the text at `path` names for a model of a step; problems go to the report."""
    fitting = [name for name, service in connections.items() if is_for(service, kind.service)]
    return _named(path, named, kind, fitting, connections, report)


def _named(
    path: JsonPath,
    name: str,
    kind: PluginType,
    fitting: Sequence[str],
    connections: Mapping[str, str],
    report: Report,
) -> str | None:
    if kind.service is None:
        why = _unfitting(name, NeededConnection(kind.name, "none"), connections)
        said = f"The connection {name!r} cannot be used: {why}."
        report.add(path, said, "connection", "Take 'connection' out.")
        return None
    needs = NeededConnection(kind.name, _needed(kind), _adding(kind))
    return fitting_connection(path, name, needs, fitting, connections, report)


def fitting_connection(
    path: JsonPath,
    name: str,
    needs: NeededConnection,
    fitting: Sequence[str],
    connections: Mapping[str, str],
    report: Report,
) -> str | None:
    """Return the name of a connection if it is among the fitting ones; else None, and the report says why."""
    if name in fitting:
        return name
    remedy = f"Fitting ones: {', '.join(fitting)}." if fitting else needs.adding
    near = nearest(name, fitting)
    if near is not None:
        remedy = f"Did you mean {near!r}? {remedy}"
    said = f"The connection {name!r} cannot be used: {_unfitting(name, needs, connections)}."
    report.add(path, said, "connection", remedy)
    return None


def _unfitting(name: str, needs: NeededConnection, connections: Mapping[str, str]) -> str:
    service = connections.get(name)
    return f"it is for {service}, and {needs.by} needs {needs.what}" if service else "there is none"


def _needed(kind: PluginType) -> str:
    shared = kind_of(kind.service)
    return f"a {shared}" if shared else kind.service or "none"


def _adding(kind: PluginType) -> str:
    """Return the remedy where no connection fits a type."""
    shared = kind_of(kind.service)
    if shared:
        return add_one([one.name for one in services() if one.kind == shared])
    return add_one([kind.service] if kind.service else [], kind.of_connection)


def add_one(fitting: Sequence[str], name: str = "") -> str:
    """Return the remedy "Add one" with the command; `fitting`: the services, any of which is enough.

    `name`: what the connection must be called, empty if that does not matter.
    """
    choice = f" ({listed(fitting)})" if len(fitting) > 1 else ""
    named = f" --name {name}" if name else ""
    return f"Add one{choice}: `{' '.join(['orchestra connections add', *fitting[:1]])}{named}`."
