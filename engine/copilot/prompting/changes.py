"""What a proposed text changes of a prompt: the text itself, sentences, and what must be agreed to by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from clients.wording import counted
from engine.base.errors import InvalidInput
from engine.base.json_text import JsonObject, is_same
from engine.copilot.proposals.records import Tick, TickKind
from engine.outgoing.hidden_characters import shown
from engine.prompts.prompt import text_of

MEMBERS = ("messages", "variables", "output_schema")


def checked_changes(given: object, document: JsonObject) -> dict[str, Any]:
    """Return the members that a model replaces, without those that stay as they are. Raises InvalidInput."""
    if not isinstance(given, Mapping) or not given:
        raise InvalidInput("There is no change.", remedy="Give `changes` with `messages`, all of them.")
    unknown = [str(one) for one in given if one not in MEMBERS]
    if unknown:
        raise InvalidInput(f"{unknown[0]!r} cannot be changed.", remedy=f"What can: {', '.join(MEMBERS)}.")
    found = {name: _in_lines(value) if name == "messages" else value for name, value in given.items()}
    changed = {name: one for name, one in found.items() if not _is_as_before(name, one, document.get(name))}
    if not changed:
        raise InvalidInput("The text is the same as before.", remedy="Change it, or say that nothing has to change.")
    return changed


def sentences(document: JsonObject, changes: JsonObject) -> list[str]:
    """Return what changes, in sentences."""
    found: list[str] = []
    if "messages" in changes:
        found += [words for _, _, words in _messages(document.get("messages"), changes["messages"])]
    if "variables" in changes:
        found += _members("variable", document.get("variables"), changes["variables"])
    if "output_schema" in changes:
        found.append("The format of the answer changes.")
    if "parameters" in changes:
        found.append("The parameters of the request to the model change.")
    if "examples" in changes:
        found.append(f"The model gets {counted(changes['examples'], 'case')} as examples.")
    if "sure_at_least" in changes:
        found.append(f"It is unsure of a choice that the model is less than {changes['sure_at_least']:.0%} sure of.")
    return [shown(one)[0] for one in found]


def ticks(document: JsonObject, changes: JsonObject, users: Sequence[str], *, from_outside: bool) -> list[Tick]:
    """Return what must be agreed to by itself; `users`: the workflows and agents that use the prompt."""
    found = []
    if from_outside and "messages" in changes:
        for number, message, words in _messages(document.get("messages"), changes["messages"]):
            found.append(_tick("instruction", [number, message], f"What the model gets: {words}"))
    if "output_schema" in changes:
        whose = f" {', '.join(users)} may need it as it was." if users else ""
        found.append(_tick("guard", changes["output_schema"], f"The format of the answer changes.{whose}"))
    gone = sorted(set(_object(document.get("variables"))) - set(_object(changes.get("variables", {}))))
    if "variables" in changes and gone:
        whose = f" {', '.join(users)} may give it a value." if users else ""
        found.append(_tick("guard", gone, f"The variable {', '.join(gone)} is removed.{whose}"))
    if (changes.get("examples") or 0) > (document.get("examples") or 0):
        words = "Cases of the prompt (mails of others) are sent to the model as examples."
        found.append(_tick("guard", ["examples", changes["examples"]], words))
    return found


def _tick(kind: TickKind, what: Any, words: str) -> Tick:
    digest = hashlib.sha256(json.dumps([kind, what], sort_keys=True).encode()).hexdigest()[:16]
    return Tick(f"{kind}-{digest}", kind, shown(words)[0])


def _in_lines(messages: Any) -> Any:
    """Return messages whose texts are lists of lines where they have several, as in a saved prompt."""
    if not isinstance(messages, list):
        return messages
    return [
        {**one, "content": one["content"].split("\n")}
        if isinstance(one, Mapping) and isinstance(one.get("content"), str) and "\n" in one["content"]
        else one
        for one in messages
    ]


def _is_as_before(name: str, value: Any, before: Any) -> bool:
    if name == "messages":
        return _plain(value) == _plain(before)
    return is_same(value or None, before or None)


def _plain(messages: Any) -> list[tuple[str, str]]:
    """Return (role, text) of each message; what is not a message has no text."""
    found = messages if isinstance(messages, list) else []
    return [(str(_object(one).get("role", "")), _text(_object(one).get("content"))) for one in found]


def _text(content: Any) -> str:
    is_lines = isinstance(content, list) and all(isinstance(one, str) for one in content)
    return text_of(content) if isinstance(content, str) or is_lines else json.dumps(content)


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _messages(before: Any, after: Any) -> Iterator[tuple[int, tuple[str, str] | None, str]]:
    """Yield number, role and text, and a sentence of each message that changes."""
    for number, (old, new) in enumerate(zip_longest(_plain(before), _plain(after)), start=1):
        if old == new:
            continue
        if new is None:
            yield number, new, f"Message {number} ({old[0]}) is removed."
        elif old is None:
            yield number, new, f"Message {number} ({new[0]}) is new, with {_size(new[1])}."
        else:
            yield number, new, f"Message {number} ({new[0]}) {_change(old, new)}."


def _change(old: tuple[str, str], new: tuple[str, str]) -> str:
    before, after = len(old[1].split()), len(new[1].split())
    size = f"has {_size(new[1])} instead of {before}" if before != after else f"has other words, {after} as before"
    return size if old[0] == new[0] else f"{size}, and its role is no longer {old[0]}"


def _size(text: str) -> str:
    return counted(len(text.split()), "word")


def _members(what: str, before: Any, after: Any) -> list[str]:
    old, new = _object(before), _object(after)
    return [
        *(f"The {what} {one} is new." for one in new if one not in old),
        *(f"The {what} {one} changes." for one in new if one in old and not is_same(old[one], new[one])),
        *(f"The {what} {one} is removed." for one in old if one not in new),
    ]
