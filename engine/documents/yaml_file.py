"""A small, strict YAML reader: plain values with their lines, and without YAML's surprises."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Any

from msgspec import Struct, field

from engine.base.errors import InvalidFile
from engine.base.problem import Problem
from engine.documents.git_conflict import conflict_or

LARGEST_BYTES = 64_000
DEEPEST = 16
Path = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"
_LONGEST_NUMBER = 20
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
_YAML_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]+[eE][-+][0-9]+\Z")
"""With an exponent, YAML 1.1 takes for a number only what has a point and a signed exponent."""
_SPELT = {"true": True, "false": False, "null": None, "~": None, "": None}


class YamlFile(Struct):
    """A parsed YAML text: its value, and the position of each key and value."""

    file: str
    text: str
    value: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """Line and column (from 1) of every value."""
    key_places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    spans: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """The begin and end of every value in the text (the end of the last scalar inside)."""

    def place(self, path: Path) -> tuple[int, int]:
        """Return line and column of the value at `path`, or of its nearest existing parent."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def problem(self, path: Path, message: str, code: str, remedy: str = "") -> Problem:
        """Return a Problem at a key, or at a value that has none."""
        line, column = self.key_places.get(path) or self.place(path)
        return Problem(
            message,
            code,
            file=self.file,
            line=line,
            column=column,
            field=".".join(map(str, path)) or None,
            remedy=remedy,
        )


def parse(text: str, file: str, largest_bytes: int = LARGEST_BYTES, deepest: int = DEEPEST) -> YamlFile:
    """Parse `text`; `file` is the name used in problems.

    Raises InvalidFile with every problem: syntax, anchors, tags, duplicate keys, words that YAML would convert (`on`,
    `NO`, `12:30`, `0x1F`, a date), over `largest_bytes`, over `deepest` levels.
    """
    if len(text.encode("utf-8", "surrogatepass")) > largest_bytes:
        problem = Problem(f"The file is over {largest_bytes:,} bytes.", "too_large", file=file)
        raise InvalidFile.of(file, [problem])
    found = YamlFile(file, text)
    reader = _Reader(found, deepest)
    node = reader.compose()
    if node is not None:
        found.value = reader.value(node, ())
    if reader.problems:
        raise InvalidFile.of(file, conflict_or(reader.problems, text, file))
    return found


def _kept(events: Iterable[Any], kept: list[Any]) -> Iterator[Any]:
    for event in events:
        kept.append(event)
        yield event


def _composed(events: Sequence[Any]) -> Any:
    """Return the root node of a stream of events. `yaml.compose` would read the text again, nearly all of its time."""
    from yaml.composer import Composer
    from yaml.resolver import Resolver

    class EventComposer(Composer, Resolver):
        def __init__(self) -> None:
            Composer.__init__(self)
            Resolver.__init__(self)
            self._left = deque(events)

        def check_event(self, *kinds: Any) -> bool:
            return bool(self._left) and (not kinds or isinstance(self._left[0], kinds))

        def peek_event(self) -> Any:
            return self._left[0]

        def get_event(self) -> Any:
            return self._left.popleft()

    return EventComposer().get_single_node()


def is_like_number(text: str) -> bool:
    """Return whether JSON reads a text without quotes as a number, and YAML 1.1 as text, such as `1e9`."""
    return "e" in text.lower() and bool(_NUMBER.match(text)) and not _YAML_FLOAT.match(text)


class _Reader:
    def __init__(self, found: YamlFile, deepest: int) -> None:
        self._found, self._deepest = found, deepest
        self._end = 0
        self.problems: list[Problem] = []

    def compose(self) -> Any:
        """Return the root node, after checking the flat stream of events, which no nesting can exhaust."""
        import yaml

        try:
            events: list[Any] = []
            self.problems.extend(self._refused(_kept(yaml.parse(self._found.text, Loader=yaml.SafeLoader), events)))
            return None if self.problems else _composed(events)
        except yaml.YAMLError as error:
            self.problems.append(self._grammar(error))
            return None

    def _refused(self, events: Iterator[Any]) -> Iterator[Problem]:
        import yaml

        depth = 0
        for event in events:
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                depth += 1
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                depth -= 1
            if depth > self._deepest:
                yield self._at(event.start_mark, f"This is nested deeper than {self._deepest} levels.", "too_deep")
                return
            if getattr(event, "anchor", None):
                said = f"Anchors and aliases are not supported ({event.anchor!r})."
                yield self._at(event.start_mark, said, "alias", "Write the value out.")
            if getattr(event, "tag", None):
                yield self._at(event.start_mark, f"Tags are not supported ({event.tag}).", "tag", "Remove the tag.")

    def _grammar(self, error: Any) -> Problem:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it holds a character YAML forbids"
        hint = "Indent with spaces, not tabs." if "\\t" in said else "Check indentation and quotes near this line."
        if mark is not None:
            return self._at(mark, f"This is not valid YAML: {said}.", "syntax", hint)
        position = int(getattr(error, "position", 0))
        line = self._found.text.count("\n", 0, position) + 1
        return Problem(f"This is not valid YAML: {said}.", "syntax", file=self._found.file, line=line, remedy=hint)

    def _at(self, mark: Any, message: str, code: str, remedy: str = "") -> Problem:
        return Problem(message, code, file=self._found.file, line=mark.line + 1, column=mark.column + 1, remedy=remedy)

    def value(self, node: Any, path: Path) -> Any:
        """Return the plain value of a node, and record its position."""
        self._found.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        value = self._value(node, path)
        # A block's own end mark is after the comments that follow it; the end of its last value is not.
        if node.id == "scalar" or node.flow_style:
            self._end = node.end_mark.index
        self._found.spans[path] = (node.start_mark.index, self._end)
        return value

    def _value(self, node: Any, path: Path) -> Any:
        if node.id == "mapping":
            return self._mapping(node, path)
        if node.id == "sequence":
            return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key_node, inner in node.value:
            key = self._key(key_node)
            if key is None:
                continue
            if key in value:
                self.problems.append(self._at(key_node.start_mark, f"The key {key!r} appears twice.", "duplicate_key"))
            self._found.key_places[*path, key] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            value[key] = self.value(inner, (*path, key))
        return value

    def _key(self, node: Any) -> str | None:
        if node.id == "scalar" and node.tag == f"{_TAG}str":
            return str(node.value)
        quoted = f' Put quotes around it: "{node.value}".' if node.id == "scalar" else ""
        self.problems.append(self._at(node.start_mark, f"A key must be text.{quoted}", "put_quotes"))
        return None

    def _scalar(self, node: Any) -> Any:
        if node.tag == f"{_TAG}str":
            return self._text(node)
        if node.value.lower() in _SPELT:
            return _SPELT[node.value.lower()]
        if _NUMBER.match(node.value) and node.tag in (f"{_TAG}int", f"{_TAG}float"):
            return self._number(node)
        self.problems.append(self._surprise(node))
        return None

    def _text(self, node: Any) -> str:
        if any("\ud800" <= one <= "\udfff" for one in node.value):
            said = "Half of a surrogate pair is not a character."
            self.problems.append(self._at(node.start_mark, said, "lone_surrogate", "Remove it."))
        if node.style is None and is_like_number(node.value):
            self.problems.append(self._text_or_number(node))
        return str(node.value)

    def _text_or_number(self, node: Any) -> Problem:
        number = float(node.value)
        plain = f" For the number, write {number!r}." if isfinite(number) else " No number is so large."
        remedy = f'Put quotes around it if you mean the text: "{node.value}".{plain}'
        return self._at(node.start_mark, f"YAML reads {node.value} as text.", "put_quotes", remedy)

    def _number(self, node: Any) -> int | float | None:
        is_whole, text = node.tag == f"{_TAG}int", node.value
        if not is_whole and isfinite(float(text)):
            return float(text)
        if is_whole and len(text) <= _LONGEST_NUMBER and _SMALLEST <= int(text) <= _LARGEST:  # int() has a limit, too
            return int(text)
        said, remedy = "This number does not fit into 64 bits.", "Write a smaller one, or put quotes around a text."
        self.problems.append(self._at(node.start_mark, said, "number_range", remedy))
        return None

    def _surprise(self, node: Any) -> Problem:
        kind = node.tag.removeprefix(_TAG)
        meant = {"bool": "true or false", "int": "another whole number", "float": "another number"}.get(kind, "a date")
        remedy = f'Put quotes around it if you mean the text: "{node.value}".'
        remedy += " Otherwise write true or false." if kind == "bool" else ""
        return self._at(node.start_mark, f"YAML reads {node.value} as {meant}.", "put_quotes", remedy)
