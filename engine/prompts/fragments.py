"""Shared fragments: a reference in a message, `{{ fragment("tone") }}`, gives way to the text of the fragment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import pairwise
from typing import Any

from msgspec import Struct

from engine.base.definitions import PromptDefinition
from engine.base.errors import ExpressionError, OrchestraError
from engine.expressions.templates import TemplatePart, parts, tokens
from engine.prompts.prompt import text_of

Lookup = Callable[[str], str]
"""Returns the text of a fragment by name. Raises UnknownName, InvalidFile, StorageError."""
LARGEST_CHARACTERS = 1_000_000
"""What a message may have with its fragments: fragments that use fragments can multiply."""
_DEEPEST = 20
_REFERENCE = re.compile(r"""\s*fragment\s*\(\s*(?:"(?P<double>[^"\\\n]*)"|'(?P<single>[^'\\\n]*)')\s*\)\s*\Z""")
_HOW = 'Write {{ fragment("tone") }}, with the name of a fragment in quotes.'


class FragmentReference(Struct, frozen=True):
    """A reference to a fragment in a text."""

    name: str
    begin: int
    """The offset of its `{{`."""
    end: int
    """The offset after its `}}`."""
    name_at: int
    """The offset of the name."""


def references(text: str) -> list[FragmentReference]:
    """Return the references in a text, [] if its expressions cannot be read."""
    try:
        found = parts(text)
    except ExpressionError:
        return []
    return [one for one in map(reference_in, found) if one is not None]


def reference_in(part: TemplatePart) -> FragmentReference | None:
    """Return the reference that a part of a text is. Raises nothing."""
    match = _REFERENCE.match(part.text) if part.is_expression else None
    if match is None:
        return None
    group = "double" if match["double"] is not None else "single"
    begin, end = part.offset - 2, part.offset + len(part.text) + 2
    return FragmentReference(match[group], begin, end, part.offset + match.start(group))


def misuse(part: TemplatePart) -> ExpressionError | None:
    """Return what is wrong with an expression that calls `fragment` other than as a reference."""
    if reference_in(part) is not None:
        return None
    run = [one for one in tokens(part.text) if one.kind != "space"]
    for one, following in pairwise(run):
        if one.text == "fragment" and one.kind == "name" and following.text == "(":
            said = "A fragment is named by a text in quotes, alone in its braces."
            return ExpressionError(said, remedy=_HOW, offset=one.offset)
    return None


def renamed(text: str, name: str, new: str) -> str:
    """Return the text with references to one fragment changed to another."""
    for one in reversed(references(text)):  # from the end, so that earlier offsets stay right
        if one.name == name:
            text = text[: one.name_at] + new + text[one.name_at + len(name) :]
    return text


class Expander:
    """Puts the texts of fragments in place of references, and remembers which were used."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._expanded: dict[str, str] = {}
        self.used: dict[str, str] = {}
        """The fragments used so far, each with the hash of its text, fragments in it included."""

    def expanded(self, text: str, path: tuple[str, ...] = ()) -> str:
        """Return a text with its fragments. Raises ExpressionError (details: `offset` in `text`)."""
        pieces, position, size = [], 0, len(text)
        for one in references(text):
            inner = self.fragment(one, path)
            size += len(inner)
            if size > LARGEST_CHARACTERS:
                said = f"With its fragments, the text is longer than {LARGEST_CHARACTERS:,} characters."
                raise ExpressionError(said, remedy="Use fewer or shorter fragments.", offset=one.begin)
            pieces += [text[position : one.begin], inner]
            position = one.end
        return "".join([*pieces, text[position:]])

    def fragment(self, reference: FragmentReference, path: tuple[str, ...] = ()) -> str:
        """Return the text of a fragment with those inside it; `path`: the fragments it is in. Raises as `expanded`."""
        name, offset = reference.name, reference.name_at
        if len(path) >= _DEEPEST:
            said = f"Fragments are nested more than {_DEEPEST} deep."
            raise ExpressionError(said, remedy="Join some of them.", offset=offset)
        if name in path:
            circle = " → ".join([*path[path.index(name) :], name])
            said = f"Fragments use each other in a circle: {circle}."
            raise ExpressionError(said, remedy="Remove one of these references.", offset=offset)
        if name not in self._expanded:
            try:
                text = self._lookup(name)
            except OrchestraError as error:  # also if its file is damaged
                raise ExpressionError(error.message, remedy=error.remedy, offset=offset) from error
            self.used[name] = ""  # its place: before those in it
            try:
                self._expanded[name] = self.expanded(text, (*path, name))
                self.used[name] = fingerprint(self._expanded[name])
            except ExpressionError as error:
                raise ExpressionError(_inside(name, error.message), remedy=error.remedy, offset=offset) from error
        return self._expanded[name]


def _inside(name: str, message: str) -> str:
    return (
        message if message.startswith(("In the fragment", "Fragments use")) else f"In the fragment {name!r}: {message}"
    )


def fingerprint(text: str) -> str:
    """Return what tells the texts of a fragment apart."""
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def with_fragments(document: PromptDefinition, lookup: Lookup) -> PromptDefinition:
    """Return a prompt whose messages have the texts of their fragments; `fragments` names these, with their hashes.

    `document` has the form of a prompt. Raises ExpressionError.
    """
    expander = Expander(lookup)
    messages = [
        {**message, "content": _content(number, message["content"], expander)}
        for number, message in enumerate(document["messages"])
    ]
    rest: dict[str, Any] = {key: value for key, value in document.items() if key != "fragments"}
    made: Any = {**rest, "messages": messages}
    return made | {"fragments": expander.used} if expander.used else made  # type: ignore[no-any-return]


def _content(number: int, content: str | list[str], expander: Expander) -> str | list[str]:
    text = text_of(content)
    try:
        expanded = expander.expanded(text)
    except ExpressionError as error:
        said = f"Message {number + 1} of the prompt: {error.message}"
        raise ExpressionError(said, remedy=error.remedy) from error
    if expanded == text:
        return content
    return expanded if isinstance(content, str) else expanded.split("\n")


def texts_of(document: Any) -> Iterator[tuple[int, str]]:
    """Yield the text of each message of a document, however damaged, with its number."""
    messages = document.get("messages") if isinstance(document, dict) else None
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str):
            yield number, content
        elif isinstance(content, list) and all(isinstance(line, str) for line in content):
            yield number, "\n".join(content)
