"""Tags: which text in a value of a run comes from outside.

The compiler follows text from outside for all runs of a workflow (engine/expressions/origins.py). A tag says the same
of one value of one run. Tags share no rule with the compiler's analysis, so that each finds mistakes of the other.

A tag may not know the value that it belongs to (`NOT_KNOWN`), such as the items of a list that `filter` returns.
`valued` adds it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from msgspec import Struct

from engine.base.lazy_values import Deferred, Unknown
from engine.base.run_file import WORKSPACE_FILE
from engine.expressions.cel_types import ANYTHING, Schema, resolved, within

NOT_KNOWN: Any = object()
"""In place of a value that a tag does not know."""
JUDGED: Any = object()
"""In place of a text that is not known, and that a condition compares with something clean."""
Place = tuple[str, ...]
"""Where a text is inside a value."""
ITEM = "*"
"""In a place: an item of a list, or a name in an object."""
_TEXT = "string"
_TIMES = frozenset({"date-time", "date", "time"})
_CHOICES = ("anyOf", "oneOf", "allOf")
_COMPOSED = frozenset({"$ref", *_CHOICES})
_DEEPEST = 24  # a schema may refer to itself
_MOST_PLACES = 200
_MOST_TOLD = 5
_MOST_LOOKED_AT = 500
"""Texts of one value whose sources are collected."""
_THROUGH = ", which comes from "


class Outside(Struct, frozen=True):
    """Where a text comes from."""

    ways: tuple[str, ...]
    """From each of its sources, in words: "the subject of the mail (`steps.mail.output.subject`)"."""
    is_sender: bool = False
    """Whether it is the address that a mail came from, unchanged."""
    is_current: bool = False
    """Whether it belongs to the item that is being worked on: of a loop, or of the trigger that started the run."""
    is_file: bool = False
    """Whether it is the path of a file that was found in the workspace, unchanged."""

    @property
    def way(self) -> str:
        """All ways in words, as the compiler puts them; of many, the first five."""
        return "; ".join([*self.ways[:_MOST_TOLD], *["others"] * (len(self.ways) > _MOST_TOLD)])


def merged(several: Iterable[Outside]) -> Outside | None:
    """Return where a text comes from that contains something of each of these; None for an empty collection."""
    found = [*islice(several, _MOST_LOOKED_AT)]
    if not found:
        return None
    ways = tuple(dict.fromkeys(way for one in found for way in one.ways))[: _MOST_TOLD + 1]
    is_sender, is_current = all(one.is_sender for one in found), all(one.is_current for one in found)
    return Outside(ways, is_sender, is_current, all(one.is_file for one in found))


Found = tuple[Place, Any, Outside]
"""A text from outside in a value: its place, the text (or NOT_KNOWN), and where it comes from."""


class Tag:
    """The tag of a value without text from outside. The others replace these methods."""

    def field(self, name: str) -> Tag:
        """Return the tag of a field."""
        return self

    def item(self, index: int | None = None) -> Tag:
        """Return the tag of an item of a list, or of any of them."""
        return self

    def element(self) -> Tag:
        """Return the tag of what a macro takes from this value: an item of a list, or a name of an object."""
        return self.item()

    def kind(self) -> Tag:
        """Return the tag of any item, without the values of the list: a loop gives each item its own."""
        return self.item()

    def valued(self, value: Any) -> Tag:
        """Return the tag with the value that it belongs to."""
        return self

    def current(self, *, is_current: bool) -> Tag:
        """Return the tag of the item that is being worked on, or of one that no longer is."""
        return self

    def found(self) -> Iterator[Found]:
        """Yield the texts from outside in the value."""
        return iter(())


CLEAN = Tag()


@dataclass(frozen=True)
class TypedTag(Tag):
    """The tag of a value whose type says which of its texts come from outside (`outside` in its JSON Schema)."""

    schema: Schema
    path: str
    """As expressions write it: `steps.mail.output`."""
    words: str = ""
    """What the value is, for people: "mail"."""
    is_outside: bool = False
    """Whether all of its text comes from outside."""
    because: str = ""
    """Where its text comes from in turn; empty if it comes from a service."""
    is_current: bool = False
    value: Any = NOT_KNOWN

    def field(self, name: str) -> Tag:
        """Return the tag of a field; what is not declared is as its holder."""
        declared = self._declared
        others = None if "patternProperties" in declared else declared.get("additionalProperties")
        inner = declared.get("properties", {}).get(name, others)
        value = self.value.get(name, NOT_KNOWN) if isinstance(self.value, dict) else NOT_KNOWN
        return self._part(inner, f"{self.path}.{name}", value)

    def item(self, index: int | None = None) -> Tag:
        """Return the tag of an item."""
        value = NOT_KNOWN
        if isinstance(self.value, list) and index is not None and -1 < index < len(self.value):
            value = self.value[index]
        return self._part(self._declared.get("items"), self.path, value)

    def element(self) -> Tag:
        """Return the tag of an item, or of a name."""
        if isinstance(self.value, dict) or self._declared.get("type") == "object":
            return Computed(self.outside) if self._has_own_names else CLEAN
        return self.item()

    def valued(self, value: Any) -> Tag:
        """Return the tag with its value."""
        return replace(self, value=value)

    def current(self, *, is_current: bool) -> Tag:
        """Return the tag of what is, or no longer is, being worked on."""
        return replace(self, is_current=is_current)

    def found(self) -> Iterator[Found]:
        """Yield the texts from outside: of the value if it is known, else those that its type may have."""
        value = NOT_KNOWN if isinstance(self.value, Deferred) else self.value
        if isinstance(self.value, Unknown):  # of a plan: it is looked at when the plan is applied
            return
        if isinstance(value, dict):
            for name in value:
                if self._has_own_names and name not in self._declared.get("properties", {}):
                    yield (ITEM,), name, self.outside
                yield from _below(name, self.field(name))
        elif isinstance(value, list):
            for index in range(len(value)):
                yield from _below(ITEM, self.item(index))
        elif value is NOT_KNOWN or isinstance(value, str):
            yield from [((), value, self.outside)] * self._may_be(is_text=value is not NOT_KNOWN)

    def _may_be(self, *, is_text: bool) -> bool:
        return _has_text(self.schema, is_outside=self.is_outside, is_text=is_text)

    @property
    def outside(self) -> Outside:
        """Where the text comes from."""
        title = "" if "properties" in self.schema else str(self.schema.get("title", "")).lower()
        if self.because:
            return Outside((_way(f"`{self.path}`", self.because),), is_current=self.is_current)
        shown = f"the {title} of the {self.words} (`{self.path}`)" if title and self.words else f"`{self.path}`"
        if self.words and not title:
            shown = f"{shown} ({self.words})"
        is_file = self.schema.get("format") == WORKSPACE_FILE
        return Outside((shown,), "sender" in self.schema, self.is_current, is_file)

    @cached_property
    def _declared(self) -> Schema:
        """The schema that declares the parts; an empty one if there are several."""
        if _COMPOSED.isdisjoint(self.schema):  # as most
            return self.schema
        found = resolved(self.schema)
        for key in _CHOICES:
            inner = [resolved(within(self.schema, one)) for one in found.get(key, ())]
            several = [one for one in inner if one.get("type") != "null"]
            if inner:
                return several[0] if len(several) == 1 and key != "allOf" else ANYTHING
        return found

    @property
    def _has_own_names(self) -> bool:
        """Whether names in this object are text from outside, too: it is, and they are not all declared."""
        return self.is_outside and self._declared.get("additionalProperties") is not False

    def _part(self, inner: Any, path: str, value: Any) -> Tag:
        declared = inner if isinstance(inner, Mapping) else ANYTHING
        is_outside = (self.is_outside or declared.get("outside") is True) and declared.get("outside") is not False
        return replace(self, schema=within(self.schema, declared), path=path, is_outside=is_outside, value=value)


@dataclass(frozen=True)
class Computed(Tag):
    """The tag of a value that was computed from text from outside: all text in it counts as such."""

    origin: Outside
    value: Any = NOT_KNOWN

    def valued(self, value: Any) -> Tag:
        """Return the tag with its value."""
        return replace(self, value=value)

    def found(self) -> Iterator[Found]:
        """Yield all texts in the value."""
        if not isinstance(self.value, Unknown):
            outside = Outside(self.origin.ways)
            yield from ((place, text, outside) for place, text in _texts(self.value))


@dataclass(frozen=True)
class FieldTags(Tag):
    """The tag of an object whose fields are tagged separately."""

    fields: Mapping[str, Tag]

    def field(self, name: str) -> Tag:
        """Return the tag of a field."""
        return self.fields.get(name, CLEAN)

    def element(self) -> Tag:
        """Return the tag of a name: the author wrote it."""
        return CLEAN

    def valued(self, value: Any) -> Tag:
        """Return the tag with the values of the fields that are there."""
        if not isinstance(value, dict):
            return self
        return FieldTags({name: one.valued(value[name]) for name, one in self.fields.items() if name in value})

    def current(self, *, is_current: bool) -> Tag:
        """Return the tag of what is, or no longer is, being worked on."""
        return FieldTags({name: one.current(is_current=is_current) for name, one in self.fields.items()})

    def found(self) -> Iterator[Found]:
        """Yield the texts in all fields."""
        for name, one in self.fields.items():
            yield from _below(name, one)


@dataclass(frozen=True)
class ItemTags(Tag):
    """The tag of a list that was written item by item."""

    items: Sequence[Tag]

    def item(self, index: int | None = None) -> Tag:
        """Return the tag of an item, or of any."""
        if index is not None and -1 < index < len(self.items):
            return self.items[index]
        return either(self.items)

    def field(self, name: str) -> Tag:
        """Return a tag without text: a list has no fields."""
        return CLEAN

    def valued(self, value: Any) -> Tag:
        """Return the tag with the values of the items."""
        if not isinstance(value, list) or len(value) != len(self.items):
            return self
        return ItemTags([one.valued(inner) for one, inner in zip(self.items, value, strict=True)])

    def current(self, *, is_current: bool) -> Tag:
        """Return the tag of what is, or no longer is, being worked on."""
        return ItemTags([one.current(is_current=is_current) for one in self.items])

    def found(self) -> Iterator[Found]:
        """Yield the texts in all items."""
        for one in self.items:
            yield from _below(ITEM, one)


@dataclass(frozen=True)
class Gathered(Tag):
    """The tag of a list with any number of items of one kind."""

    each: Tag
    values: Sequence[Any] | None = None
    """The items, if they are known. Each is looked at when it is asked for: a loop asks once for each of its items."""

    def item(self, index: int | None = None) -> Tag:
        """Return the tag of an item, or of any."""
        if self.values is None:
            return self.each
        if index is not None and -1 < index < len(self.values):
            return self.each.valued(self.values[index])
        return either([*self._items()])

    def kind(self) -> Tag:
        """Return the tag of any item, without its value."""
        return self.each

    def valued(self, value: Any) -> Tag:
        """Return the tag with the values of the items."""
        return replace(self, values=value) if isinstance(value, list) else self

    def current(self, *, is_current: bool) -> Tag:
        """Return the tag of what is, or no longer is, being worked on."""
        return replace(self, each=self.each.current(is_current=is_current))

    def found(self) -> Iterator[Found]:
        """Yield the texts in all items, or those that an item may have."""
        for one in [self.each] if self.values is None else self._items():
            yield from _below(ITEM, one)

    def _items(self) -> Iterator[Tag]:
        return map(self.each.valued, self.values or ())


@dataclass(frozen=True)
class Either(Tag):
    """The tag of a value that is one of several."""

    options: Sequence[Tag]

    def field(self, name: str) -> Tag:
        """Return the tag of a field."""
        return either([one.field(name) for one in self.options])

    def item(self, index: int | None = None) -> Tag:
        """Return the tag of an item."""
        return either([one.item(index) for one in self.options])

    def element(self) -> Tag:
        """Return the tag of what a macro takes from it."""
        return either([one.element() for one in self.options])

    def kind(self) -> Tag:
        """Return the tag of any item, without the values of the list."""
        return either([one.kind() for one in self.options])

    def valued(self, value: Any) -> Tag:
        """Return the tag with its value."""
        return either([one.valued(value) for one in self.options])

    def current(self, *, is_current: bool) -> Tag:
        """Return the tag of what is, or no longer is, being worked on."""
        return either([one.current(is_current=is_current) for one in self.options])

    def found(self) -> Iterator[Found]:
        """Yield the texts that any of them has."""
        for one in self.options:
            yield from one.found()


class Wrapped(Tag):
    """A tag around another one, to which it passes what it does not answer itself."""

    @abstractmethod
    def inner(self) -> Tag:
        """Return the other tag."""

    def field(self, name: str) -> Tag:
        """Return the tag of a field."""
        return self.inner().field(name)

    def item(self, index: int | None = None) -> Tag:
        """Return the tag of an item."""
        return self.inner().item(index)

    def element(self) -> Tag:
        """Return the tag of what a macro takes from it."""
        return self.inner().element()

    def kind(self) -> Tag:
        """Return the tag of any item, without the values of the list."""
        return self.inner().kind()

    def valued(self, value: Any) -> Tag:
        """Return the tag with its value."""
        return self.inner().valued(value)

    def found(self) -> Iterator[Found]:
        """Yield the texts in the value."""
        return self.inner().found()


@dataclass(frozen=True)
class Later(Wrapped):
    """A tag that is worked out when something asks for it."""

    make: Callable[[], Tag]

    @property
    def is_made(self) -> bool:
        """Whether it has been worked out."""
        return "_made" in vars(self)

    @cached_property
    def _made(self) -> Tag:
        return self.make()

    def inner(self) -> Tag:
        """Return the tag, worked out once."""
        return self._made

    def valued(self, value: Any) -> Tag:
        """Return the tag with its value."""
        return Later(lambda: self.inner().valued(value))

    def current(self, *, is_current: bool) -> Tag:
        """Return the tag of what is, or no longer is, being worked on."""
        return Later(lambda: self.inner().current(is_current=is_current))


@dataclass(frozen=True)
class Judged(Wrapped):
    """The tag of a value that a condition compares with something clean, and that is not at hand to do so again.

    Once it is (`valued`), it counts like any other.
    """

    tag: Tag

    def inner(self) -> Tag:
        """Return the tag that is judged."""
        return self.tag

    def found(self) -> Iterator[Found]:
        """Yield the texts in the value, as judged."""
        return ((place, JUDGED, outside) for place, _, outside in self.tag.found())


@dataclass(frozen=True)
class Given(Tag):
    """The tag of inputs that another workflow, or a trigger, has given: which places have text from outside."""

    places: Mapping[Place, Outside]
    typed: Tag
    """What the type of the inputs says: an `enum` leaves no text."""

    def field(self, name: str) -> Tag:
        """Return the tag of a field."""
        return self._inside(name, self.typed.field(name))

    def item(self, index: int | None = None) -> Tag:
        """Return the tag of an item."""
        return self._inside(ITEM, self.typed.item(index))

    def valued(self, value: Any) -> Tag:
        """Return the tag with its value."""
        return replace(self, typed=self.typed.valued(value))

    def found(self) -> Iterator[Found]:
        """Yield the texts at these places."""
        for name in dict.fromkeys(place[0] for place in self.places if place):
            value = self.typed.value if isinstance(self.typed, TypedTag) else NOT_KNOWN
            if name == ITEM and isinstance(value, list):
                for index in range(len(value)):
                    yield from _below(ITEM, self.item(index))
            elif name != ITEM and (not isinstance(value, dict) or name in value):
                yield from _below(name, self.field(name))

    def _inside(self, name: str, typed: Tag) -> Tag:
        inner = {place[1:]: one for place, one in self.places.items() if place[:1] in ((name,), (ITEM,))}
        whole = inner.pop((), None)
        if whole is not None and isinstance(typed, TypedTag):
            schema = {**typed.schema, "outside": True}
            if whole.is_file:
                return replace(typed, schema={"format": WORKSPACE_FILE}, is_outside=True, is_current=whole.is_current)
            if whole.is_sender:
                return replace(typed, schema={"sender": True}, is_outside=True, is_current=whole.is_current)
            return replace(typed, schema=schema, is_outside=True, because=whole.way)
        return Given(inner, typed) if inner else CLEAN


def either(options: Sequence[Tag]) -> Tag:
    """Return the tag of a value that is one of these."""
    several = [one for one in options if one is not CLEAN]
    return Either(several) if len(several) > 1 else several[0] if several else CLEAN


def places(tag: Tag, is_clean: Callable[[Any], bool]) -> dict[Place, Outside]:
    """Return the places of the texts from outside in a value; with very many, the fields that have them."""
    found: dict[Place, Outside] = {}
    for place, text, outside in tag.found():
        if not is_clean(text):
            found[place] = merged([found[place], outside]) or outside if place in found else outside
            if len(found) > _MOST_PLACES:
                names = dict.fromkeys(one[:1] for one in islice(found, _MOST_PLACES))
                return dict.fromkeys(names, outside)
    return found


def _way(shown: str, because: str) -> str:
    """Return where a text comes from, in words: at most with the first and the last steps on its way."""
    way = [shown, *because.split(_THROUGH)]
    return _THROUGH.join(way if len(way) <= _MOST_TOLD else [*way[: _MOST_TOLD - 1], way[-1]])


def _below(name: str, tag: Tag) -> Iterator[Found]:
    return (((name, *place), text, outside) for place, text, outside in tag.found())


def _texts(value: Any, depth: int = 0) -> Iterator[tuple[Place, Any]]:
    """Yield the texts in a value, with their places; an unknown value is one."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (ITEM,), name
            yield from (((name, *place), text) for place, text in _texts(inner, depth + 1))
    elif isinstance(value, list):
        for inner in value:
            yield from (((ITEM, *place), text) for place, text in _texts(inner, depth + 1))
    elif isinstance(value, str):
        yield (), value
    elif value is NOT_KNOWN or (isinstance(value, Deferred) and not isinstance(value, Unknown)):
        yield (), NOT_KNOWN


def _has_text(schema: Any, *, is_outside: bool, is_text: bool, depth: int = 0) -> bool:
    """Return whether a value of this type may have text from outside; `is_text`: the value is a text."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return is_outside
    schema = resolved(schema)
    if "enum" in schema or "const" in schema or schema.get("outside") is False:
        return False
    is_outside = is_outside or schema.get("outside") is True
    kinds = schema.get("type", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if schema.get("format") in _TIMES and kinds == {_TEXT}:
        return False
    inner = [one for key in _CHOICES for one in schema.get(key, ())]
    if not is_text:
        inner += _parts(schema)
    if inner:
        parts = [within(schema, one) if isinstance(one, Mapping) else one for one in inner]
        return any(_has_text(one, is_outside=is_outside, is_text=is_text, depth=depth + 1) for one in parts)
    if is_text or not kinds:
        return is_outside and (not kinds or _TEXT in kinds)
    return is_outside and bool(kinds & {_TEXT, "object", "array"})


def _parts(schema: Schema) -> list[Any]:
    found = [*schema.get("properties", {}).values()]
    found += [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), Mapping)]
    return found
