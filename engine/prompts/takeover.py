"""Cases that try to take over a prompt: each mail goes into one of its variables, and its word must not come out."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from engine.base.definitions import PromptDefinition
from engine.base.errors import InvalidInput
from engine.base.json_text import JsonObject
from engine.base.names import usable_name
from engine.plugins.step import JsonValue
from engine.prompts.cases import Case
from engine.prompts.takeover_mails import TakeoverMail, takeover_mails
from engine.workspace.canonical import canonical

_TEXTS = ("text", "body", "mail", "message", "content", "question")
_SUBJECTS = ("subject", "title")


class TakeoverRequest(Struct, frozen=True):
    """How the mails go into a prompt."""

    variable: str = ""
    """The variable that gets the text of the mail, or a path in one, such as `commits.0.message`; empty: `text`, or
    the only one that can hold a text."""
    expect: Mapping[str, JsonValue] = field(default_factory=dict)
    """Fields of the answer that must have these values: what a mail that reports a fault should give."""


def expectations(typed: Sequence[str]) -> dict[str, JsonValue]:
    """Return the fields in texts like `kind=bug` or `needs_answer=true`. Raises InvalidInput."""
    pairs = [one.partition("=") for one in typed]
    for one, (name, equals, _) in zip(typed, pairs, strict=True):
        if not (name.strip() and equals):
            raise InvalidInput(f"{one!r} names no field and value.", remedy="Write it like kind=bug.")
    return {name.strip(): _read(value.strip()) for name, _, value in pairs}


def _read(text: str) -> JsonValue:
    """Return the JSON in a typed value, else the text itself."""
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value


def takeover_cases(document: PromptDefinition, wanted: TakeoverRequest) -> list[Case]:
    """Return a case for each mail; other variables have the values of the prompt's first sample.

    Raises InvalidInput.
    """
    declared = document.get("variables", {})
    samples = document.get("samples") or [{"name": "", "variables": {}}]
    given = {**_defaults(declared), **(samples[0].get("variables") or {})}
    variable = wanted.variable or _of_text(declared)
    path = variable.split(".")
    if path[0] not in declared:
        raise InvalidInput(
            f"The prompt has no variable {path[0]!r}.", remedy=f"Choose one: {', '.join(declared) or 'it has none'}."
        )
    subject = next((one for one in _SUBJECTS if one in declared and one != path[0]), "")
    return [_case(mail, given, path, subject, wanted.expect) for mail in takeover_mails()]


def _defaults(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {name: schema["default"] for name, schema in declared.items() if "default" in schema}


def _of_text(declared: Mapping[str, Any]) -> str:
    """Return the variable that a mail's text goes into. Raises InvalidInput if that is not clear."""
    texts = [name for name, schema in declared.items() if schema.get("type") in ("string", None)]
    named = [one for one in _TEXTS if one in texts] or (texts if len(declared) == 1 else [])
    if not named:
        raise InvalidInput(
            "It is not clear which variable gets the text of the mails.",
            remedy=f"Name it with `--variable`: {', '.join(declared)}, or a path in one, such as list.0.text.",
        )
    return named[0]


def _case(
    mail: TakeoverMail, given: JsonObject, path: list[str], subject: str, expect: Mapping[str, JsonValue]
) -> Case:
    variables = copy.deepcopy(dict(given))
    _put(variables, path, mail.text)
    if subject:
        variables[subject] = mail.subject
    elif mail.canary in mail.subject:  # else the order would be lost
        _put(variables, path, f"Subject: {mail.subject}\n\n{mail.text}")
    assertions = [{"type": "not_contains", "value": mail.canary}]
    assertions += [{"type": "field_equals", "field": name, "value": value} for name, value in expect.items()]
    case = f"takeover-{usable_name(mail.name)}"
    document: dict[str, Any] = {"name": mail.name, "variables": variables, "assertions": assertions}
    return Case(case, f"Takeover: {mail.name}", canonical(document, "case"), "", document)


def _put(variables: dict[str, Any], path: list[str], text: str) -> None:
    """Set the value at a path. Raises InvalidInput if the first sample has nothing there."""
    place: Any = variables
    for part in path[:-1]:
        place = _inside(place, part, path)
    last: Any = int(path[-1]) if isinstance(place, list) and path[-1].isdecimal() else path[-1]
    if len(path) > 1:
        _inside(place, path[-1], path)
    place[last] = text


def _inside(place: Any, part: str, path: list[str]) -> Any:
    if isinstance(place, dict) and part in place:
        return place[part]
    if isinstance(place, list) and part.isdecimal() and int(part) < len(place):
        return place[int(part)]
    raise InvalidInput(
        f"There is no {'.'.join(path)!r} in the first sample of the prompt.", remedy="Name a field that the sample has."
    )
