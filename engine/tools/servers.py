"""The tools of MCP servers for people: what a server offers, what is accepted of it, and what has changed since."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from clients.deadline import deadline
from clients.mcp.service import MCP, OfferedTool
from engine.base.clock import timestamp
from engine.base.errors import InUse, InvalidInput, OrchestraError, StaleEdit, UnknownName
from engine.files.atomic import exclusive
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.plugins.registry import MCP as PREFIX
from engine.plugins.step import Role
from engine.tools.accepted import AcceptedTool, AcceptedTools, Effect, require_acceptable, step_name
from engine.workspace.references import NamingFiles
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from clients.mcp.client import McpClient

_ASK_SECONDS = 30.0
State = Literal["accepted", "new", "changed", "gone"]


@dataclass(frozen=True)
class ServerChange:
    """What differs from what was accepted, as text; empty where it was or is absent."""

    part: str
    before: str
    now: str


@dataclass(frozen=True)
class ServerTool:
    """A tool of a server; its title, description, schemas and annotations are claims of the server."""

    name: str
    uses: str
    """The name in steps, once it is accepted."""
    state: State
    """`changed`: since it was accepted; `gone`: it was accepted, and is no longer offered."""
    problem: str
    """Why it cannot be accepted; else empty."""
    hash: str
    """Of what is offered now."""
    title: str
    description: str
    arguments: Mapping[str, Any]
    """JSON Schemas by name."""
    annotations: Mapping[str, Any]
    told: str
    """Everything that the server says about it, as JSON."""
    effect: str = ""
    """`reads` or `writes`, as a person has said; empty if nobody has accepted it."""
    roles: Mapping[str, str] | None = None
    """The roles of the arguments that are not destinations."""
    accepted_by: str = ""
    accepted_at: str = ""
    changes: tuple[ServerChange, ...] = ()
    used_by: tuple[str, ...] = ()
    """The workflows that use it."""


class ToolServers:
    """The `tool_servers` area."""

    def __init__(
        self, accepted: AcceptedTools, client_of: Callable[[str, str], Any], workspace: Workspace, audit: Audit
    ) -> None:
        self._accepted, self._client_of, self._workspace, self._audit = accepted, client_of, workspace, audit

    @operation("mcp.list", "admin", "see what a server offers", "List the tools that a server offers")
    def tools(self, p: Principal, connection: str) -> list[ServerTool]:
        """Return what a server offers, and what was accepted of it. Raises UnknownName, InvalidInput, ServiceError."""
        kept = self._accepted.of(connection)
        offer = self._offer(connection)
        uses = {f"{PREFIX}{connection}.{name}" for name in (*kept, *(step_name(one) for one in offer.names))}
        used = NamingFiles(self._workspace.users, "tool").of_each(sorted(uses))
        gone = [one.offered for one in kept.values() if one.offered.name not in offer.names]
        return [_shown(connection, one, kept, offer, used) for one in (*offer.tools, *gone)]

    @operation("mcp.accept", "admin", "accept tools", "Accept a tool of a server")
    def accept(
        self,
        p: Principal,
        connection: str,
        tool: str,
        effect: Effect,
        roles: Mapping[str, Role],
        seen: str = "",
    ) -> ServerTool:
        """Accept a tool as the server offers it now; `seen`: the hash of what the person has looked at.

        `roles`: of the arguments that are no destination. Raises UnknownName, InvalidInput, InUse, StaleEdit,
        ServiceError, StorageError.
        """
        offer = self._offer(connection)
        one = offer.tool(tool)
        if seen and one.hash != seen:
            raise StaleEdit(f"The tool {tool!r} has changed since you looked at it.", remedy="Look at it again.")
        _require_roles(one, roles)
        name = step_name(tool)
        with self._changing():
            kept = self._accepted.of(connection)
            if name in kept and kept[name].tool.get("name") != tool:
                raise InUse(f"Another tool is used as {name!r} already.", remedy="Withdraw that one first.")
            by, at = p.id, timestamp(self._workspace.clock())
            record = AcceptedTool(
                effect=effect,
                roles={key: role for key, role in roles.items() if role is not Role.DESTINATION},
                accepted_by=by,
                accepted_at=at,
                hash=one.hash,
                server=one.server,
                tool=dict(one.told),
            )
            self._accepted.put(connection, name, record)
        told = {"effect": effect, "roles": dict(record.roles), "hash": one.hash, "server": one.server}
        self._audit.record(p, "mcp.accept", f"{PREFIX}{connection}.{name}", told)
        return _shown(connection, one, self._accepted.of(connection), offer, {})

    @operation("mcp.withdraw", "admin", "withdraw tools", "Withdraw a tool of a server")
    def withdraw(self, p: Principal, connection: str, tool: str) -> None:
        """Let steps no longer call a tool; runs that have begun keep it. Raises UnknownName, StorageError."""
        name = step_name(tool)
        with self._changing():
            self._accepted.withdraw(connection, name)
        self._audit.record(p, "mcp.withdraw", f"{PREFIX}{connection}.{name}")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with exclusive(self._workspace.state_dir / "mcp.lock"):
            yield

    def _offer(self, connection: str) -> _Offer:
        server: McpClient = self._client_of(connection, MCP.name)
        with deadline(_ASK_SECONDS):
            return _Offer(server.tools())


class _Offer:
    """What a server offers now, counted by the names of the tools, and by the names that they would have in steps."""

    def __init__(self, tools: Sequence[OfferedTool]) -> None:
        self.tools = tools
        self.names = Counter(one.name for one in tools)
        self._in_steps = Counter(step_name(one.name) for one in tools)

    def tool(self, name: str) -> OfferedTool:
        """Return a tool that can be accepted. Raises UnknownName, InvalidInput."""
        found = next((one for one in self.tools if one.name == name), None)
        if found is None:
            raise UnknownName("tool", name, list(self.names))
        if problem := self.problem(found):
            raise InvalidInput(f"The tool {name!r} cannot be accepted: {problem}", remedy="Its server must change it.")
        return found

    def problem(self, one: OfferedTool) -> str:
        """Return why a tool cannot be accepted; empty if it can."""
        if one.name and self.names[one.name] > 1:
            return "The server offers two tools of this name."
        if self._in_steps[step_name(one.name)] > 1:
            return "Its name looks the same in a step as the name of another tool of the server."
        try:
            require_acceptable(one)
        except OrchestraError as error:
            return error.message
        return ""


def _require_roles(tool: OfferedTool, roles: Mapping[str, Role]) -> None:
    arguments = _arguments(tool)
    for argument in roles:
        if argument not in arguments:
            raise UnknownName("argument", argument, list(arguments))


def _arguments(tool: OfferedTool) -> Mapping[str, Any]:
    return _mapping(_mapping(tool.told.get("inputSchema")).get("properties"))


def _mapping(claimed: object) -> Mapping[str, Any]:
    """Return what should be an object, empty if the server says something else."""
    return claimed if isinstance(claimed, Mapping) else {}


def _shown(
    connection: str,
    one: OfferedTool,
    kept: Mapping[str, AcceptedTool],
    offer: _Offer,
    used: Mapping[str, Sequence[str]],
) -> ServerTool:
    name = step_name(one.name)
    uses, record = f"{PREFIX}{connection}.{name}", kept.get(name)
    record = record if record is not None and record.tool.get("name") == one.name else None
    is_there = one.name in offer.names
    found = ServerTool(
        name=one.name,
        uses=uses,
        state="new" if record is None else _state(one, record, is_there=is_there),
        problem=offer.problem(one) if is_there else "",
        hash=one.hash,
        title=str(one.told.get("title") or ""),
        description=str(one.told.get("description") or ""),
        arguments=_arguments(one),
        annotations=_mapping(one.told.get("annotations")),
        told=_text(one.told),
        used_by=tuple(used.get(uses, ())),
    )
    return found if record is None else _with_record(found, one, record)


def _state(one: OfferedTool, record: AcceptedTool, *, is_there: bool) -> State:
    if not is_there:
        return "gone"
    return "accepted" if one.hash == record.hash == record.offered.hash else "changed"


def _with_record(found: ServerTool, one: OfferedTool, record: AcceptedTool) -> ServerTool:
    before = {"server": record.server, **record.tool}
    now = {"server": one.server, **one.told}
    changes = tuple(
        ServerChange(part, _text(before.get(part)), _text(now.get(part)))
        for part in dict.fromkeys((*before, *now))
        if before.get(part) != now.get(part)
    )
    return replace(
        found,
        effect=record.effect,
        roles={argument: str(role) for argument, role in record.roles.items()},
        accepted_by=record.accepted_by,
        accepted_at=record.accepted_at,
        changes=changes,
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
