"""A call that a person is asked about, as its receiver would see it: the same for every front end.

It is made from what the step type declares: the roles and titles of its fields, its preview and `agreed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.base.errors import UnknownName
from engine.expressions.json_values import compact_json
from engine.plugins.registry import step_type
from engine.plugins.step import Preview, Role
from engine.record.differences import is_reference, shown
from engine.record.plans.previews import difference
from engine.record.types.approval import AskedCall
from engine.runs.approval_titles import destination, target
from engine.runs.call_texts import field_schemas, text_fields

_SHORT = 120
_ANSWERED = ("To", "Cc", "Subject")
"""The lines that a mail takes from the one that it answers, unless its arguments say them."""


@dataclass(frozen=True)
class LetterPart:
    """A line or a text of a letter."""

    title: str
    """In English; empty for a text that needs none."""
    value: Any
    """A text, or any JSON value that does not fit on a line."""
    argument: str = ""
    """The argument that it shows; empty if it shows none, or only a part of one."""
    is_line: bool = False
    is_warning: bool = False
    """Whether it is a sentence of ours in the head of a mail: that an answer goes elsewhere than to its sender."""
    is_outside: bool = False
    """Whether there may be text from outside in it."""


@dataclass(frozen=True)
class AskedLetter:
    """What a call would do. Nothing that it sends is left out; fields without a value are."""

    agreed: str
    """What happens if a person agrees (`StepType.agreed`); empty if the names that it needs are not known."""
    to: str
    what: str
    parts: Sequence[LetterPart]
    changes: str
    """How it changes an object that exists, as a unified diff; empty if it does not."""


def letter_of(call: AskedCall) -> AskedLetter:
    """Return a call as its receiver would see it."""
    preview = call.preview
    to = target(call, call.arguments) or destination(call, call.arguments)
    what = "" if preview is None else preview.title
    changes = "" if preview is None else difference(preview.before, preview.text) or ""
    return AskedLetter(_agreed(call.uses, to, what), to, what, list(_parts(call, changes)), changes)


def from_answered_mail(call: AskedCall) -> list[str]:
    """Return the lines of its head, by their names, that a mail takes from the one that it answers."""
    preview, said = call.preview, call.arguments
    head = () if preview is None or preview.before is not None else preview.head  # a draft is an object of its own
    return [name for name, value in head if name in _ANSWERED and _has_more(name, value, said.get(name.lower()) or [])]


def _agreed(uses: str, to: str, what: str) -> str:
    try:
        agreed = step_type(uses).agreed
    except UnknownName:  # a step type of an earlier release
        return ""
    needed = {"{to}": to, "{what}": what}
    return agreed if all(value or name not in agreed for name, value in needed.items()) else ""


def _parts(call: AskedCall, changes: str) -> Iterator[LetterPart]:
    """Yield what a call says: its preview, then the arguments that this does not show."""
    preview = call.preview
    if preview is None or not (changes or _adds(preview, call.arguments)):
        yield from (part for name in call.arguments for part in _argument(call, name))
        return
    if not changes:
        yield from _previewed(call, preview)
    schemas = field_schemas(call)
    for name, value in call.arguments.items():
        role = schemas.get(name, {}).get("role", Role.CONTENT)
        is_told = role == Role.CONTENT or (role == Role.DESTINATION and not preview.head)
        if is_told and not (isinstance(value, str) and _is_shown(preview, value)):
            yield from _argument(call, name)  # e.g. attachments: the preview has only their names


def _previewed(call: AskedCall, preview: Preview) -> Iterator[LetterPart]:
    """Yield the parts of a preview, each with the argument that it shows."""
    texts, body = {name: call.arguments[name] for name in text_fields(call)}, preview.body
    answered = from_answered_mail(call)
    for title, value in () if body is None else preview.head:
        name, written = _shown_in(texts, value), call.arguments.get(title.lower())
        is_outside = name in call.outside or (title.lower() in call.outside and _in(value, written))
        is_outside = is_outside or title in answered
        yield LetterPart(title, value, name, is_line=True, is_warning=not title, is_outside=is_outside)
    whole = preview.text if body is None else body
    is_outside = any(_lines(texts[name]) in _lines(whole) for name in call.outside if texts.get(name))
    yield LetterPart("", whole, _shown_in(texts, whole), is_outside=is_outside)


def _has_more(title: str, value: str, written: Any) -> bool:
    """Return whether a line of a head has what no argument says: it comes from the mail that is answered."""
    said = [one.strip() for one in _texts(written) if one.strip()]
    if title == "Subject":  # one that is given only gets a `Re:`
        return not said
    for one in sorted(said, key=len, reverse=True):
        value = value.replace(one, "")
    return bool(value.strip(" ,;"))


def _in(value: str, written: Any) -> bool:
    """Return whether a line of a head has any of what an argument says."""
    said = [one.strip() for one in _texts(written)]
    return any(one and one in value for one in said)


def _shown_in(texts: Mapping[str, str], value: str) -> str:
    return next((name for name, one in texts.items() if one.strip() and _lines(one) == _lines(value)), "")


def _argument(call: AskedCall, name: str) -> Iterator[LetterPart]:
    """Yield an argument; the members of a flat object are lines of their own."""
    value, schema, is_outside = call.arguments[name], field_schemas(call).get(name, {}), name in call.outside
    if value is None or value in ("", [], {}):
        return
    members = value if isinstance(value, Mapping) and not is_reference(value) else {}
    title = str(schema.get("title") or name)
    if members and all(one.strip() and _line(members[one]) is not None for one in members):
        named = ((f"{title} · {one}", _line(members[one])) for one in members)  # a key of data is no title of ours
        yield from (LetterPart(one, line, is_line=True, is_outside=is_outside) for one, line in named)
        return
    line = None if "widget" in schema else _line(value)
    yield LetterPart(title, value if line is None else line, name, is_line=line is not None, is_outside=is_outside)


def _line(value: Any) -> str | None:
    """Return a value that fits on a line as text, else None; for a file, its name, size and type."""
    if isinstance(value, Mapping) and is_reference(value):
        return shown(value)
    if isinstance(value, list):
        lines = [_line(one) for one in value if not isinstance(one, list)]
        return ", ".join(map(str, lines)) if len(lines) == len(value) and None not in lines else None
    if isinstance(value, str):
        return value if len(value) <= _SHORT and len(value.splitlines()) < 2 else None
    return None if isinstance(value, Mapping) else compact_json(value)


def _is_shown(preview: Preview, value: str) -> bool:
    """Return whether a preview shows an argument as what it is: not somewhere in a text that somebody else wrote."""
    wanted, body = _lines(value), preview.body
    shown = [preview.title, preview.text, *(line for _, line in preview.head), *([] if body is None else [body])]
    is_begun = body is not None and f"{_lines(body)}\n".startswith(f"{wanted}\n")  # a mail has quotes below its text
    return is_begun or wanted in map(_lines, shown)


def _lines(text: str) -> str:
    return "\n".join(text.strip().splitlines())


def _adds(preview: Preview, arguments: Mapping[str, Any]) -> bool:
    """Return whether a preview shows more than the arguments do."""
    if preview.head or preview.before is not None:
        return True
    told = "\n".join(_texts(arguments))
    return any(line.partition(": ")[2] not in told and line not in told for line in preview.text.splitlines())


def _texts(value: Any) -> Iterator[str]:
    """Yield every value in a JSON value that is no object or list, as text."""
    if isinstance(value, (Mapping, list)):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)
    else:
        yield value if isinstance(value, str) else compact_json(value)
