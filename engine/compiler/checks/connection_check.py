"""Find the connection of config.yaml that a step uses: the one it names, else the only one of its service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.base.services import is_for, kind_of
from engine.base.wording import nearest
from engine.compiler.checks.report import Report
from engine.compiler.definition.environment import Surroundings
from engine.documents.json_file import JsonPath
from engine.plugins.step import Kind

_ADD = "Add one: `orchestra connections add`."


def connection_name(path: JsonPath, named: str | None, kind: Kind, around: Surroundings, report: Report) -> str | None:
    """Return the name of the connection that the step at `path` uses, None if it needs none.

    `named` is the name given in the step; problems go to the report.
    """
    connections = around.names
    fitting = [name for name, service in connections.items() if is_for(service, kind.service)]
    if named is not None:
        return _named((*path, "connection"), named, kind, fitting, connections, report)
    if kind.service is None or kind.connection_optional:
        return None
    fitting = [name for name in fitting if name not in around.set_aside]
    own = [name for name in fitting if connections[name] == kind.service]
    if len(own or fitting) == 1:  # so another model or drive can be added without a change of every step
        return (own or fitting)[0]
    seen = f"there are {len(fitting)}: {', '.join(fitting)}" if fitting else "there is none"
    report.add(
        (*path, "uses"),
        f"{kind.name} needs a connection to {_needed(kind)}, and {seen} in config.yaml.",
        "connection",
        f"Name one in 'connection': {', '.join(fitting)}." if fitting else _ADD,
    )
    return None


def model_connection(
    path: JsonPath, named: str, kind: Kind, connections: Mapping[str, str], report: Report
) -> str | None:
    """Return the connection that the text at `path` names for a model of a step; problems go to the report."""
    fitting = [name for name, service in connections.items() if is_for(service, kind.service)]
    return _named(path, named, kind, fitting, connections, report)


def _named(
    path: JsonPath,
    name: str,
    kind: Kind,
    fitting: Sequence[str],
    connections: Mapping[str, str],
    report: Report,
) -> str | None:
    if name in fitting:
        return name
    service = connections.get(name)
    reason = f"it is for {service}, and {kind.name} needs {_needed(kind)}" if service else "there is none"
    remedy = f"Fitting ones: {', '.join(fitting)}." if fitting else _ADD
    near = nearest(name, fitting)
    if near is not None:
        remedy = f"Did you mean {near!r}? {remedy}"
    if kind.service is None:
        remedy = "Take 'connection' out."
    report.add(path, f"The connection {name!r} cannot be used: {reason}.", "connection", remedy)
    return None


def _needed(kind: Kind) -> str:
    shared = kind_of(kind.service)
    return f"a {shared}" if shared else kind.service or "none"
