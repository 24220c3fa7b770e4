"""An agent that is being edited: its fields, and the text that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dashboard.agent.tool_fields import fields_of, first_value, value_typed
from dashboard.base import session
from dashboard.base.messages import translated
from dashboard.editing.draft import (
    JSON,
    EditorDraft,
    TypedDraft,
    begin_draft,
    differs,
    field_text,
    known_draft,
    put,
)
from engine.base.errors import InvalidInput
from engine.documents.json_file import object_in, typed_value
from engine.workspace.canonical import canonical
from engine.workspace.drafts import Draft as Unsaved

if TYPE_CHECKING:
    from engine.agents.agents import AgentSummary

TEXT_FIELDS = ("title", "description", "instructions", "model")
LIMITS = ("turns", "tokens", "dollars", "seconds")
ON_LIMIT = ("ask", "stop", "fail")
"""What happens at a limit, the usual first."""
_LISTS = ("give", "choose_from", "with")


def opened(agent: AgentSummary) -> EditorDraft:
    """Return the current draft; a file changed elsewhere replaces a text that nobody has edited."""
    draft = known_draft("agent", agent.name)
    if draft is None or (draft.etag != agent.etag and not differs(draft, typed(draft))):
        return begin(agent)
    return draft


def begin(agent: AgentSummary, unsaved: Unsaved | None = None) -> EditorDraft:
    """Start from the file, or from an unsaved text."""
    return begin_draft("agent", agent, unsaved)


def has_form(document: Mapping[str, Any]) -> bool:
    """Return whether a document can be edited in fields."""
    tools, limits, variables = (document.get(name, {}) for name in ("tools", "limits", "variables"))
    return (
        all(isinstance(document.get(name) or "", str) for name in (*TEXT_FIELDS, "connection"))
        and document.get("on_limit", "ask") in ON_LIMIT
        and isinstance(limits, Mapping)
        and all(isinstance(one, int | float | None) for one in limits.values())
        and isinstance(variables, Mapping)
        and all(_is_tool(one) for one in (tools or ()))
    )


def _is_tool(tool: Any) -> bool:
    return (
        isinstance(tool, Mapping)
        and isinstance(tool.get("uses"), str)
        and all(isinstance(tool.get(name) or "", str) for name in ("name", "description", "connection"))
        and isinstance(tool.get("with", {}), Mapping)
        and isinstance(tool.get("choose_from", {}), Mapping)
        and isinstance(tool.get("give", []), list)
    )


def typed(draft: EditorDraft) -> TypedDraft:
    """Return what the widgets hold now, even those that are not on the screen."""
    document = object_in(draft.seed)
    if draft.mode == JSON or document is None or not has_form(document):
        return TypedDraft(str(session.widget_value(draft.key("text"), draft.seed)))
    changed = dict(document)
    for name in TEXT_FIELDS:
        before = str(document.get(name) or "")
        put(changed, name, before, str(session.widget_value(draft.key(name), before)))
    _choice(changed, "connection", session.widget_value(draft.key("connection"), document.get("connection")))
    _limits(draft, changed)
    _variables(draft, changed)
    try:
        _output(draft, changed)
        if document.get("tools"):
            changed["tools"] = [_tool(draft, number, one) for number, one in enumerate(document["tools"])]
    except InvalidInput as error:
        return TypedDraft(draft.seed, "output", translated(f"{error.message} {error.remedy}".strip()))
    return TypedDraft(canonical(changed, "agent"))


def _choice(document: dict[str, Any], name: str, value: Any) -> None:
    if value:
        document[name] = value
    else:
        document.pop(name, None)


def _limits(draft: EditorDraft, changed: dict[str, Any]) -> None:
    before = changed.get("limits") or {}
    now = {name: session.widget_value(draft.key(f"limit-{name}"), before.get(name)) for name in LIMITS}
    kept = {name: _whole(value) for name, value in now.items() if value is not None}
    if kept or "limits" in changed:
        changed["limits"] = kept
    before_it = changed.get("on_limit")
    chosen = session.widget_value(draft.key("on_limit"), before_it or ON_LIMIT[0])
    if chosen != (before_it or ON_LIMIT[0]):
        changed["on_limit"] = chosen


def _whole(value: float) -> float:
    return int(value) if float(value).is_integer() else value


def _variables(draft: EditorDraft, changed: dict[str, Any]) -> None:
    before = changed.get("variables") or {}
    names: Sequence[str] = session.widget_value(draft.key("variables"), list(before))
    if names or "variables" in changed:
        changed["variables"] = {name: before.get(name, {"type": "string"}) for name in names}


def _output(draft: EditorDraft, changed: dict[str, Any]) -> None:
    before = field_text(changed, "output")
    text = str(session.widget_value(draft.key("output"), before))
    put(changed, "output", before, text, typed_value(text, "This text") if text.strip() else None)


def tool_key(number: int, name: str) -> str:
    """Return the name of a field of a tool."""
    return f"tool-{number}-{name}"


def _tool(draft: EditorDraft, number: int, before: Mapping[str, Any]) -> dict[str, Any]:
    now = {name: value for name, value in before.items() if name not in _LISTS}
    for name in ("name", "description"):
        text = str(before.get(name) or "")
        put(now, name, text, str(session.widget_value(draft.key(tool_key(number, name)), text)))
    for name in ("connection", "approve"):
        _choice(now, name, session.widget_value(draft.key(tool_key(number, name)), before.get(name)))
    given = list(session.widget_value(draft.key(tool_key(number, "give")), before.get("give", [])))
    lists = {
        "with": _fixed(draft, number, before),
        "give": given,
        "choose_from": _choices(draft, number, before, given),
    }
    return {**now, **{name: value for name, value in lists.items() if value or name in before}}


def _fixed(draft: EditorDraft, number: int, before: Mapping[str, Any]) -> dict[str, Any]:
    values, known = before.get("with", {}), fields_of(before["uses"])
    names = session.widget_value(draft.key(tool_key(number, "fix")), list(values))
    found = {}
    for name in names:
        value = values[name] if name in values else first_value(known[name])
        found[name] = value_typed(draft, tool_key(number, f"with-{name}"), known.get(name), value)
    return found


def _choices(draft: EditorDraft, number: int, before: Mapping[str, Any], given: Sequence[str]) -> dict[str, Any]:
    values = before.get("choose_from", {})
    found = {}
    for name in dict.fromkeys([*values, *given]):
        known = {str(one): one for one in values.get(name, [])}
        chosen = session.widget_value(draft.key(tool_key(number, f"choose-{name}")), list(known))
        if chosen and name in given:
            found[name] = [known.get(one, one) for one in chosen]
    return found


def with_tool(text: str, uses: str) -> str:
    """Return the text with a tool added that has the required fields of its step type fixed to nothing yet."""
    document = object_in(text)
    if document is None:
        return text
    tools = list(document.get("tools") or [])
    taken = {one.get("name") for one in tools if isinstance(one, Mapping)}
    wanted = uses.rpartition(".")[2].replace("-", "_")
    name = next(one for one in (wanted, *(f"{wanted}_{count}" for count in range(2, 30))) if one not in taken)
    return canonical({**document, "tools": [*tools, {"name": name, "uses": uses}]}, "agent")


def without_tool(text: str, number: int) -> str:
    """Return the text with one of its tools removed."""
    document = object_in(text)
    if document is None:
        return text
    tools = document["tools"]
    return canonical({**document, "tools": [*tools[:number], *tools[number + 1 :]]}, "agent")
