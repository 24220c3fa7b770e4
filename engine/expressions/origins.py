"""Where the value of an expression comes from, through which operations, and whether it can carry text from outside.

This is a domain of the abstract interpreter (engine/expressions/interpreter.py). A reference in an expression is an
origin of its value, or has origins of its own (the item of a loop comes from a list). Text from outside is text that
somebody else wrote. None of it is left in a number, a truth value, a time, a value with an enum type, or a value that
was found in a list of literals; what is certain at a place (`Listed`) are the expressions that were so found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.expressions.celtypes import ANYTHING, Schema, plain, within
from engine.expressions.cost import SCALAR_RESULTS
from engine.expressions.interpreter import Domain, Interpreter
from engine.expressions.syntax import Node, walk

Path = tuple[str, ...]
Listed = frozenset[Node]
"""The expressions whose value a condition has found among literals."""
_NOTHING_LISTED: Listed = frozenset()
_NO_OPERATION: frozenset[str] = frozenset()
_PASSED_ON = frozenset({"_+_"})
"""Operations after which the fields of a value are still those of its origin."""
_NO_TEXT = frozenset({"boolean", "integer", "number", "null"})
_LITERALS = frozenset({"constant", "list", "struct"})


@dataclass(frozen=True, slots=True)
class Reference:
    """One use of a value, e.g. path ("steps", "mails", "output")."""

    path: Path
    is_guarded: bool = False
    """Whether it is used through `has()`, `default()` or an optional select, so that it may be missing."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A value from which another derives."""

    path: Path
    """E.g. ("steps", "mails", "output", "messages", "subject"); indexes are left out."""
    operations: frozenset[str] = _NO_OPERATION
    """The functions and operators that it went through."""
    is_harmless: bool = False
    """Whether none of its text is left: it became a number or the like, or only decided which value this is."""
    schema: Schema = field(default_factory=dict, compare=False, repr=False)
    is_outside: bool = False
    """Whether all text in it comes from outside, and not only what its schema marks so."""

    @property
    def carries_text(self) -> bool:
        """Return whether text from outside may be left of it."""
        return not self.is_harmless and _has_text(self.schema, self.schema, set(), is_outside=self.is_outside)

    def through(self, operation: str, *, is_harmless: bool = False) -> Origin:
        """Return the origin of the result of an operation."""
        operations = self.operations | {operation}
        return Origin(self.path, operations, self.is_harmless or is_harmless, self.schema, self.is_outside)

    def field(self, name: str) -> Origin:
        """Return the origin of a field."""
        path = self.path if self.operations - _PASSED_ON else (*self.path, name)
        if not self.schema:
            return Origin(path, self.operations, self.is_harmless, self.schema, self.is_outside)
        return self._part(path, _declared(self.schema).get("properties", {}).get(name))

    def item(self) -> Origin:
        """Return the origin of any item of a list, or any key or value of an object."""
        return self._part(self.path, _declared(self.schema).get("items"))

    def _part(self, path: Path, schema: object) -> Origin:
        if self.operations - _PASSED_ON:
            return self
        if not isinstance(schema, Mapping):  # it is not declared, so it may be whatever there is inside
            is_outside = self.carries_text if self.schema else self.is_outside
            return Origin(path, self.operations, self.is_harmless, ANYTHING, is_outside)
        is_outside = self.is_outside or bool(self.schema.get("outside"))
        return Origin(path, self.operations, self.is_harmless, within(self.schema, schema), is_outside)


@dataclass(frozen=True, slots=True)
class Derived:
    """What is known of a value: the origins of all that is in it, and of its parts if it was written as a literal."""

    origins: tuple[Origin, ...] = ()
    fields: Mapping[str, Derived] | None = None
    items: Derived | None = None

    @property
    def carries_text(self) -> bool:
        """Return whether text from outside may be in it."""
        return any(one.carries_text for one in self.origins)

    def through(self, operation: str, *, is_harmless: bool = False) -> tuple[Origin, ...]:
        """Return the origins of the result of an operation."""
        return tuple([one.through(operation, is_harmless=is_harmless) for one in self.origins])


NOTHING = Derived()
Known = Mapping[Path, Derived]
"""What is known of references: the longest known beginning of a path counts."""


def source(path: Path, schema: Schema = ANYTHING, *, is_outside: bool = False) -> Derived:
    """Return the value of a reference that is its own origin."""
    return Derived((Origin(path, schema=schema, is_outside=is_outside),))


class Origins(Domain[Derived, Listed]):
    """The origins of values; collects the references of an expression."""

    unknown = NOTHING

    def __init__(self, known: Known) -> None:
        self.references: list[Reference] = []
        self._known = known

    def name(self, node: Node, whole: Node, facts: Listed) -> Derived:
        """Note a reference."""
        path: Path = ()
        is_guarded, step = False, whole
        while step is not node:
            path = (step.name, *path)
            is_guarded = is_guarded or step.kind != "select"
            step = step.parts[0]
        own = (node.name,)
        self.references.append(Reference(own + path, is_guarded))
        return _found(node, self._known.get(own) or Derived((Origin(own),)), facts)

    def variable(self, node: Node, value: Derived, facts: Listed) -> Derived:
        """Return the origins of a variable."""
        return _found(node, value, facts)

    def field(self, node: Node, holder: Derived, whole: Node, facts: Listed) -> Derived:
        """Return the origins of a field."""
        if holder.fields is not None:
            return _found(node, holder.fields.get(node.name, NOTHING), facts)
        origins = tuple([one.field(node.name) for one in holder.origins])
        is_reference = len(origins) == 1 and not origins[0].operations
        known = self._known.get(origins[0].path) if is_reference else None
        return _found(node, known or Derived(origins), facts)

    def path(self, start: Derived, steps: Sequence[Node], facts: Listed) -> Derived:
        """Return the origins at the end of a path; in one go where nothing is known of references."""
        if facts or self._known or len(start.origins) != 1 or start.fields is not None:
            return super().path(start, steps, facts)
        [origin] = start.origins
        if origin.operations or origin.schema or origin.is_outside:
            return super().path(start, steps, facts)
        return Derived((Origin(origin.path + tuple([step.name for step in steps])),))

    def item(self, holder: Derived) -> Derived:
        """Return the origins of an item."""
        return Derived(tuple(one.item() for one in holder.origins)) if holder.items is None else holder.items

    def gathered(self, node: Node, item: Derived, facts: Listed) -> Derived:
        """Return the origins of the list of `filter` or `map`."""
        return Derived(item.through("[]"), items=item)

    def listed(self, node: Node, items: Sequence[Derived]) -> Derived:
        """Return the origins of a list."""
        return Derived(_all([one.through("[]") for one in items]), items=self.joined(items))

    def struct(self, node: Node, parts: Sequence[Derived]) -> Derived:
        """Return the origins of an object."""
        keys = node.parts[::2]
        fields = {key.value[1]: value for key, value in zip(keys, parts[1::2], strict=True) if key.kind == "constant"}
        is_plain = len(fields) == len(keys)
        return Derived(_all([one.through("{}") for one in parts]), fields if is_plain else None)

    def joined(self, values: Sequence[Derived]) -> Derived:
        """Return the origins of a value that may be any of these."""
        if len(values) == 1:
            return values[0]
        origins = _all([one.origins for one in values])
        items = [one.items for one in values if one.items is not None]
        if len(items) == len(values) > 0:
            return Derived(origins, items=self.joined(items))
        objects = [one.fields for one in values if one.fields is not None]
        if len(objects) < len(values) or not objects:
            return Derived(origins)
        names = dict.fromkeys(name for one in objects for name in one)
        return Derived(origins, {name: self.joined([one[name] for one in objects if name in one]) for name in names})

    def chosen(self, value: Derived, by: Derived) -> Derived:
        """Add what has decided about a value, which leaves no text in it."""
        if not by.origins:
            return value
        return Derived(_all([value.origins, by.through("?:", is_harmless=True)]), value.fields, value.items)

    def function(self, node: Node, values: Sequence[Derived]) -> Derived:
        """Return the origins of a result; of a number, a truth value or a time, they are harmless."""
        name = node.name if node.kind == "call" else node.kind
        is_harmless = name in SCALAR_RESULTS or name == "has"
        return Derived(_all([one.through(name, is_harmless=is_harmless) for one in values if one.origins]))

    def call(self, node: Node, values: Sequence[Derived], facts: Listed) -> Derived:
        """Return the origins of the result of a call."""
        found = super().call(node, values, facts)
        if node.name == "_+_" and found.origins:
            found = Derived(found.through(node.name), found.fields, found.items)
        return _found(node, found, facts)

    def assumed(self, facts: Listed, condition: Node, *, truth: bool) -> Listed:
        """Add the expressions that a condition finds among literals."""
        return facts | listed(condition, truth=truth)

    def forgotten(self, facts: Listed, name: str) -> Listed:
        """Leave out what mentions a variable."""
        about = Node("ident", name)
        return frozenset(one for one in facts if about not in walk(one)) if facts else facts


def references(node: Node) -> tuple[Reference, ...]:
    """Return every use of a value in an expression, without the variables of its macros."""
    origins = Origins({})
    Interpreter(origins).value(node, _NOTHING_LISTED, {})
    return tuple(origins.references)


def derived(trees: Sequence[Node], known: Known, facts: Listed = _NOTHING_LISTED) -> Derived:
    """Return the origins of the value of a field: of one expression, or of mixed text with several."""
    domain = Origins(known)
    values = [Interpreter(domain).value(tree, facts, {}) for tree in trees]
    return values[0] if len(values) == 1 else domain.function(Node("call", "text"), values)


def listed(condition: Node, *, truth: bool = True) -> Listed:
    """Return the expressions that have one of a few literal values if a condition is true, or false."""
    parts = condition.parts
    if condition.kind != "call":
        return _NOTHING_LISTED
    if condition.name == "!_":
        return listed(parts[0], truth=not truth)
    if condition.name in ("_&&_", "_||_"):
        one, other = (listed(part, truth=truth) for part in parts)
        return one | other if truth == (condition.name == "_&&_") else one & other
    if condition.name == ("_==_" if truth else "_!=_"):
        return frozenset(one for one, other in (parts, parts[::-1]) if _is_literal(other))
    return frozenset(parts[:1]) if truth and condition.name == "@in" and _is_literal(parts[1]) else _NOTHING_LISTED


def _is_literal(node: Node) -> bool:
    return node.kind in _LITERALS and all(map(_is_literal, node.parts))


def _found(node: Node, value: Derived, facts: Listed) -> Derived:
    """Return a value; harmless if its expression was found among literals."""
    return Derived(value.through("@in", is_harmless=True)) if facts and node in facts else value


def _all(origins: Sequence[tuple[Origin, ...]]) -> tuple[Origin, ...]:
    if len(origins) < 2:
        return origins[0] if origins else ()
    return tuple(dict.fromkeys([one for several in origins for one in several]))


def _declared(schema: Schema) -> Schema:
    """Return the schema that declares the parts of a value; an empty one if there are several."""
    if not schema:
        return ANYTHING
    found, _ = plain(schema, schema)
    return ANYTHING if "allOf" in found or "prefixItems" in found else found


def _has_text(schema: object, root: Schema, seen: set[tuple[str, bool]], *, is_outside: bool) -> bool:
    """Return whether a value of this type may have text from outside in it; `seen` are references followed before."""
    if not isinstance(schema, Mapping):
        return is_outside and schema is not False
    if "enum" in schema or "const" in schema:
        return False
    is_outside = is_outside or bool(schema.get("outside"))
    root = schema if "$defs" in schema else root
    if isinstance(schema.get("$ref"), str):
        name = schema["$ref"].rsplit("/", 1)[-1]
        if (name, is_outside) in seen:
            return False
        seen.add((name, is_outside))
        return _has_text(root.get("$defs", {}).get(name), root, seen, is_outside=is_outside)
    kinds = schema.get("type", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if kinds and kinds <= _NO_TEXT:
        return False
    inside = [*_inside(schema)]
    is_described = bool(inside) and (len(kinds) == 1 or not kinds) and "string" not in kinds
    return (is_outside and not is_described) or any(_has_text(one, root, seen, is_outside=is_outside) for one in inside)


def _inside(schema: Schema) -> Iterator[object]:
    """Yield the types of the parts of a value, and its alternative types; `True` if parts are not described."""
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        yield from schema.get(key, ())
    if schema.get("type") == "array":
        yield schema.get("items", True)
    if schema.get("type") == "object" or "properties" in schema:
        yield from schema.get("properties", {}).values()
        yield from schema.get("patternProperties", {}).values()
        yield schema.get("additionalProperties", True)
