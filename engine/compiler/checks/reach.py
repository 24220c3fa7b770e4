"""Who sees what: the services and hosts that the text of each source can reach; `privacy: local` keeps it here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from email.utils import getaddresses
from typing import Any
from urllib.parse import urlsplit

from clients.addresses import is_loopback
from engine.base.services import is_in_workspace
from engine.base.step_tree import CALL
from engine.compiler.checks.report import Report
from engine.compiler.definition.allowed_values import RECIPIENTS
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.model import WorkflowModel
from engine.compiler.definition.plan import Action, Plan, Reach

PRIVACY = "not_private"
"""The code of text from outside that leaves this machine, where the workflow forbids it."""
INPUT = "inputs."
"""How a source begins that is an input: its text is from whoever starts the workflow."""
_ANYWHERE = "any address"
_REMEDY = (
    "Let the connection's base_url be a server on this machine, leave the text out, or take 'privacy' out of the file."
)


def reaches(plan: Plan, called: Mapping[str, Plan], around: CompilerContext) -> tuple[Reach, ...]:
    """Return where the text of each source can go, in the order of the steps; inputs count as sources, too."""
    found: dict[Reach, None] = {}
    for one in plan.tree():
        action = one.step.action
        sources = [] if action is None else [*_sources(action), *_shown_cases(action, plan)]
        if action is None or not sources:
            continue
        for to in _places(action, called, around):
            found.update(dict.fromkeys(_from(to, sources, one.step.path)))
    for name in called:
        own = (one for one in called[name].reach if not one.source.startswith(INPUT))
        found.update(dict.fromkeys(replace(one, workflow=one.workflow or name) for one in own))
    return tuple(found)


def known_sources(plan: Plan) -> tuple[Reach, ...]:
    """Return the same with the sources of the triggers in place of the inputs that they give."""
    given: dict[str, set[str]] = {}
    for trigger in plan.triggers:
        for name in trigger.outside_inputs:
            source = trigger.connection or trigger.kind.service or trigger.kind.name
            given.setdefault(INPUT + name, set()).add(source)
    found: dict[Reach, None] = {}
    for one in plan.reach:
        sources = [one.source] if not one.source.startswith(INPUT) else sorted(given.get(one.source, ()))
        found.update(dict.fromkeys(replace(one, source=source) for source in sources))
    return tuple(found)


def check_privacy(model: WorkflowModel, plan: Plan, around: CompilerContext, report: Report) -> None:
    """Report each path to a host outside this machine, if the workflow says `privacy: local`."""
    if model.privacy != "local" or around.hosts is None:
        return
    places = {one.step.path: one.place for one in plan.tree() if one.step.action is not None}
    for one in plan.reach:
        if not one.is_local:
            where = f" in the workflow {one.workflow!r}" if one.workflow else ""
            message = f"Text of {one.source} leaves this machine: `{one.step}`{where} sends it to {one.host}."
            report.add(places.get(one.step, ("privacy",)), message, PRIVACY, _REMEDY)


def _sources(action: Action) -> list[str]:
    """Return where the text comes from that a call sends: from its fields, and from what the service holds.

    Code with network may send its files, and whatever else it finds: it is a source, where no other is known.
    """
    found = {name for text in action.outside_fields.values() for name in text.sources}
    if action.step_type.sends_mail == "stored":
        found.add(action.connection or str(action.step_type.service))
    if not found and action.step_type.hosts(action.arguments):
        found.add(str(action.step_type.service))
    return sorted(found)


def _shown_cases(action: Action, plan: Plan) -> Iterator[str]:
    """Yield where the examples of a prompt come from: its cases are mails of others, too."""
    asked = action.arguments.get("prompt") if isinstance(action.arguments, dict) else None
    prompt = plan.prompts.get(asked) if isinstance(asked, str) else None
    if prompt is not None and prompt.get("examples"):
        yield f"the cases of {str(asked).partition('@')[0]}"


def _from(to: Reach, sources: Iterable[str], path: str) -> Iterator[Reach]:
    return (replace(to, source=source, step=to.step or path) for source in sources if source != to.to)


def _places(action: Action, called: Mapping[str, Plan], around: CompilerContext) -> Iterator[Reach]:
    """Yield where a call sends its text; of a called workflow, where that sends the text of its inputs."""
    if action.uses == CALL:
        name = action.arguments.get("workflow") if isinstance(action.arguments, dict) else None
        inner = called[name].reach if isinstance(name, str) and name in called else ()
        yield from (replace(one, workflow=one.workflow or str(name)) for one in inner if one.source.startswith(INPUT))
    elif action.step_type.service is not None:
        for connection in _connections(action, action.step_type.service):
            host = _host(action, connection, around)
            yield Reach("", connection or action.step_type.service, host, is_loopback(host), "")
        for host in action.step_type.hosts(action.arguments):
            yield Reach("", host, host, is_loopback(host.partition(":")[0]), "")
        if action.step_type.sends_mail:
            for one in _mail_hosts(action.arguments):
                sender = action.connection or action.step_type.service
                yield Reach("", f"mail to {one}", one, is_local=False, step="", sender=sender)


def _connections(action: Action, service: str) -> tuple[str | None, ...]:
    """Return the connections that a call sends to; what stays in the workspace is sent nowhere."""
    return action.beside if is_in_workspace(service, action.connection) else (action.connection, *action.beside)


def _mail_hosts(arguments: Any) -> list[str]:
    """Return the domains of the recipients that are written in the workflow; "any address" for all others."""
    given = [arguments.get(name) for name in RECIPIENTS] if isinstance(arguments, dict) else [None]
    each = [one for value in given if value for one in (value if isinstance(value, list) else [value])]
    written = [one for one in each if isinstance(one, str)]
    domains = {address.rpartition("@")[2].lower() or _ANYWHERE for _, address in getaddresses(written)}
    return sorted(domains | ({_ANYWHERE} if len(written) < len(each) or not each else set()))


def _host(action: Action, connection: str | None, around: CompilerContext) -> str:
    url = action.arguments.get("url") if isinstance(action.arguments, dict) else None
    if isinstance(url, str) and urlsplit(url).hostname:
        return str(urlsplit(url).hostname)
    return (around.hosts or {}).get(connection or "", "") or _ANYWHERE
