"""What workflows and agents refer to: prompts, agents, tools and workflows; who uses a name, and how to rename it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from msgspec import Struct

from engine.base.errors import InUse, InvalidFile, NotAllowed, OrchestraError
from engine.base.step_tree import AGENT_PREFIX, step_nodes
from engine.documents.json_file import JsonPath, parse
from engine.plugins.registry import is_of_workspace, step_type, trigger_type
from engine.plugins.step import StepType
from engine.plugins.trigger import TriggerType

if TYPE_CHECKING:
    from engine.people.access import Principal
    from engine.workspace.file_store import FileStore

Kind = Literal["workflow", "prompt", "agent", "tool"]
_Find = Callable[[str], StepType | TriggerType]
_KINDS: tuple[Kind, ...] = get_args(Kind)
_SHOWN = 5
_WATCHER = "workflow.finished"
"""The trigger type that watches the runs of other workflows, or of all workflows if it names no workflow."""


class FileReference(Struct, frozen=True):
    """What the file of a workflow or an agent refers to; `suffix` is the label or version, "" without one.

    A tool has the name of its step type: `tool.iban-check`, `mcp.notes.add`.
    """

    kind: Kind
    name: str
    suffix: str
    path: JsonPath


class NamingFiles:
    """The workflows and agents that name the files of one kind. A file does not name itself."""

    def __init__(self, shelves: Sequence[FileStore], kind: Kind, prefix: str = "") -> None:
        """`shelves`: of the files that count, such as `Workspace.users`.

        `prefix`: what stands before a name where it is used, such as `tool.`.
        """
        self._shelves, self._kind, self._prefix = shelves, kind, prefix

    def of(self, name: str, labels: Sequence[str] | None = None) -> list[str]:
        """Return the workflows that use a name, sorted, then the agents, as `agent:NAME`.

        `labels`: only those that use one of these suffixes. An unreadable file counts if its text contains the name in
        quotes.
        """
        found = _users(self._shelves, self._kind, self._prefix + name, labels)
        return [_shown(shelf, user) for shelf, user in found]

    def of_each(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Return the same for each of these names, reading each file once."""
        found: dict[str, list[str]] = {self._prefix + name: [] for name in names}
        for shelf, user in [(one, user) for one in self._shelves for user in one.names()]:
            text = _text(shelf, user)
            try:
                used = {one.name for one in _references_of(text) if one.kind == self._kind}
            except InvalidFile:
                used = {name for name in found if _is_quoted(name, text)}
            for name in used.intersection(found) - ({user} if self._kind == shelf.kind else set()):
                found[name].append(_shown(shelf, user))
        return {name.removeprefix(self._prefix): by for name, by in found.items()}

    def require_none(self, name: str, labels: Sequence[str] | None = None) -> None:
        """Raise InUse, naming the workflows and agents, if any of them uses the name."""
        found = self.of(name, labels)
        if found:
            label = f" with the label {labels[0]!r}" if labels else ""
            things = "workflows" if not any(one.startswith(AGENT_PREFIX) for one in found) else "workflows and agents"
            raise InUse(
                f"The {self._kind} {self._prefix + name!r} is used{label} by {_listed(found)}.",
                remedy=f"Change or delete these {things} first.",
            )

    def require_readable(self, name: str) -> None:
        """Raise InvalidFile if a file that seems to use the name cannot be read, and so cannot be changed."""
        for shelf, user in _users(self._shelves, self._kind, self._prefix + name):
            shelf.read(user)

    def rename(self, name: str, new: str, by: str) -> list[str]:
        """Replace the name in every file that uses it, keeping the formatting; return these as `of`.

        For a caller that holds `editing()`. Raises InvalidFile, StorageError.
        """
        old, new = self._prefix + name, self._prefix + new
        changed = _users(self._shelves, self._kind, old)
        for shelf, user in changed:
            file = shelf.read(user)
            found = [one for one in references(file.value) if (one.kind, one.name) == (self._kind, old)]
            text = file.replaced({one.path: f"{new}@{one.suffix}" if one.suffix else new for one in found})
            shelf.put(user, text, by)
        return [_shown(shelf, user) for shelf, user in changed]


def references(document: Any) -> list[FileReference]:
    """Return every reference in the document of a workflow or an agent, even if parts of it are invalid."""
    found = [*_triggers(document)]
    for node in step_nodes(document):
        found += _of_step(node.step.uses, node.step.arguments, node.place)
    tools = document.get("tools") if isinstance(document, Mapping) else None
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, Mapping) and isinstance(tool.get("uses"), str):
            found += _of_step(tool["uses"], tool.get("with"), ("tools", index))
    return found


def _users(
    shelves: Sequence[FileStore], kind: Kind, name: str, labels: Sequence[str] | None = None
) -> list[tuple[FileStore, str]]:
    files = ((shelf, user) for shelf in shelves for user in shelf.names() if (shelf.kind, user) != (kind, name))
    return [(shelf, user) for shelf, user in files if _uses(_text(shelf, user), kind, name, labels)]


def _shown(shelf: FileStore, name: str) -> str:
    return f"{AGENT_PREFIX}{name}" if shelf.kind == "agent" else name


def require_may_call(p: Principal, document: Any, before: Any) -> None:
    """Raise NotAllowed if a workflow names another one that `p` may not run, and did not name it before.

    Whoever runs the workflow then gets what that one returns, and does not need to be named there.
    """
    if not p.hidden:
        return
    if _watches_all(document) and not _watches_all(before):
        raise NotAllowed(
            f"{p.id} may not see every workflow, and so cannot have one watch the ends of all runs.",
            remedy="Name the workflows in the field 'workflows' of the trigger workflow.finished.",
        )
    named = {one.name for one in references(before) if one.kind == "workflow"}
    for one in references(document):
        if one.kind == "workflow" and one.name not in named and one.name.partition("@")[0] in p.hidden.not_run:
            raise NotAllowed(
                f"{p.id} may not run the workflow {one.name!r}, and so cannot have another one call it.",
                remedy="Somebody who may run it by its 'access' can save this, or an owner can add you there.",
            )


def _watches_all(document: Any) -> bool:
    """Return whether a trigger watches the ends of the runs of all workflows."""
    found = document.get("triggers") if isinstance(document, Mapping) else None
    watching = [
        one
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, Mapping) and one.get("uses") == _WATCHER
    ]
    return any(not isinstance(one.get("with"), Mapping) or not one["with"].get("workflows") for one in watching)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def _text(shelf: FileStore, name: str) -> str:
    try:
        return shelf.text(name)
    except OrchestraError:  # a folder, a link, or not UTF-8: it cannot run, and has no references
        return ""


def _uses(text: str, kind: Kind, name: str, labels: Sequence[str] | None) -> bool:
    if name not in text and "\\u" not in text:  # an escaped name
        return False
    try:
        found = _references_of(text)
    except InvalidFile:
        return _is_quoted(name, text)
    return any((one.kind, one.name) == (kind, name) and (labels is None or one.suffix in labels) for one in found)


@lru_cache(maxsize=512)
def _references_of(text: str) -> Sequence[FileReference]:
    """Return the references of a text, which pages ask for at each change. Raises InvalidFile."""
    return references(parse(text, "").value)


def _is_quoted(name: str, text: str) -> bool:
    return f'"{name}"' in text or f'"{name}@' in text


def _triggers(document: object) -> Iterator[FileReference]:
    triggers = document.get("triggers") if isinstance(document, Mapping) else None
    for index, trigger in enumerate(triggers if isinstance(triggers, list) else ()):
        if isinstance(trigger, Mapping) and isinstance(trigger.get("uses"), str):
            named = _named_by(trigger_type, trigger["uses"])
            yield from _of_fields(named, trigger.get("with"), ("triggers", index, "with"))


def _of_step(uses: str, fields: object, place: JsonPath) -> Iterator[FileReference]:
    if is_of_workspace(uses):
        yield from _of_text("tool", uses, (*place, "uses"))
    else:
        yield from _of_fields(_named_by(step_type, uses), fields, (*place, "with"))


def _of_fields(named: tuple[tuple[str, Kind], ...], fields: object, path: JsonPath) -> Iterator[FileReference]:
    for field, kind in named:
        value = fields.get(field) if isinstance(fields, Mapping) else None
        texts = [((*path, field, at), one) for at, one in enumerate(value)] if isinstance(value, list) else []
        for place, text in texts or [((*path, field), value)]:
            if isinstance(text, str) and text:
                yield from _of_text(kind, text, place)


def _of_text(kind: Kind, text: str, place: JsonPath) -> Iterator[FileReference]:
    name, _, suffix = text.partition("@")
    yield FileReference(kind, name, suffix, place)


@lru_cache(maxsize=256)
def _named_by(find: _Find, uses: str) -> tuple[tuple[str, Kind], ...]:
    """Return the fields of a step or trigger type that name a workflow, a prompt or an agent, each with its kind."""
    if not uses:  # a loop or a group
        return ()
    try:
        properties = find(uses).fields.model_json_schema().get("properties", {})
    except OrchestraError:  # no such type
        return ()
    found = ((field, _format(schema)) for field, schema in properties.items())
    return tuple((field, kind) for field, kind in found if kind is not None)


def _format(schema: Any) -> Kind | None:
    inner = schema.get("items")
    named = schema.get("format") or (inner.get("format") if isinstance(inner, dict) else None)
    return next((kind for kind in _KINDS if kind == named), None)
