"""Where the value of an expression comes from, and whether it can carry text from outside.

This is a domain of the abstract interpreter (engine/expressions/interpreter.py). Text from outside is text that
somebody else wrote. None of it is left in a number, a truth value, a time, a value with an enum type, a value that was
found among clean values, or where it only decides which of several values is taken. What is certain at a place
(`Equal`) are the expressions that a condition has found equal to one of other values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from msgspec import Struct, structs

from engine.base.run_file import FORMAT, WORKSPACE_FILE
from engine.expressions.cel_types import ANYTHING, Schema, definition, plain, resolved, within
from engine.expressions.interpreter import SCALAR_RESULTS, Domain, Interpreter
from engine.expressions.syntax import SyntaxNode, walk

Path = tuple[str, ...]
ITEM = "[]"
"""The part of a path that is any item of a list, or any value of an object."""
_NO_TEXT = frozenset({"boolean", "integer", "number", "null"})
_TIMES = frozenset({"date-time", "date", "time"})
"""Formats in which no other text fits; values are checked against them."""
_LITERALS = frozenset({"constant", "list", "struct"})
_SAID_BY_SERVICES = ("sender", "address")
_FILES = (FORMAT, WORKSPACE_FILE)
_FEW = 4
MOST_KEPT = 6
"""Origins of a value that are kept for people; one more than messages name."""
_DEEPEST = 8
"""Levels of literals whose parts are followed separately; deeper ones count as one value."""


@dataclass(frozen=True, slots=True)
class ValueOrigin:
    """A value from which another derives."""

    path: Path
    """E.g. ("steps", "mails", "output", "messages", "[]", "subject")."""
    schema: Schema = field(default_factory=dict, compare=False, repr=False)
    is_outside: bool = False
    """Whether all text in it comes from outside, and not only what its schema marks so."""
    is_input: bool = False
    """Whether its text comes from inputs of the workflow: whoever starts it decides where they come from."""
    is_whole: bool = True
    """Whether the derived value has its fields, rather than being computed from it."""
    is_exact: bool = True
    """Whether the derived value is this one."""
    is_current: bool = False
    """Whether it is the item of a loop or a trigger that is being worked on, or a part of it."""
    roots: tuple[ValueOrigin, ...] = ()
    """The inputs that its text comes from; empty for an input itself."""
    sources: frozenset[str] = field(default=frozenset(), compare=False)
    """The connections or services that its text comes from."""
    cause: ValueOrigin | None = field(default=None, compare=False, repr=False)
    """What its text from outside comes from in turn, if known."""
    others: tuple[ValueOrigin, ...] = field(default=(), compare=False, repr=False)
    """What else it comes from; only the first, if there are many."""
    words: str = field(default="", compare=False)
    """What it is, for people."""
    workflow: str = field(default="", compare=False)
    """The workflow in which it is, if not the one that is looked at."""
    _carries_text: bool | None = field(default=None, init=False, compare=False, repr=False)
    """None before it is first asked for; each step that takes the value asks several times."""

    @property
    def carries_text(self) -> bool:
        """Return whether text of somebody else may be left in it; for an input, if the input has such text."""
        if self._carries_text is None:
            found = has_outside_text(self.schema, is_outside=self.is_outside or self.is_input)
            object.__setattr__(self, "_carries_text", found)
            return found
        return self._carries_text

    @property
    def is_file(self) -> bool:
        """Whether it is a file of a run, or the path of one in the workspace, as a step or a trigger returned it."""
        return self.is_exact and not self.is_input and self.cause is None and _leads_to_a_file(self.schema)

    def computed(self) -> ValueOrigin:
        """Return the origin of a value that is computed from this one."""
        return replace(self, is_whole=False, is_exact=False) if self.is_whole or self.is_exact else self

    def field(self, name: str) -> ValueOrigin:
        """Return the origin of a field."""
        if not self.is_whole:
            return self
        declared = _declared(self.schema)
        known = declared.get("properties", {})
        if name in known or "patternProperties" in declared:  # several types may then apply to a name
            return self._part(name, known.get(name))
        return self._part(name, declared.get("additionalProperties"))

    def item(self) -> ValueOrigin:
        """Return the origin of any item of a list, or any value of an object."""
        return self._part(ITEM, _declared(self.schema).get("items")) if self.is_whole else self

    def _part(self, name: str, schema: object) -> ValueOrigin:
        path = (*self.path, name)
        if not isinstance(schema, Mapping):  # it is not declared, so it may be whatever there is inside
            is_outside = self.is_outside or (not self.is_input and self.carries_text)
            return replace(self, path=path, schema=ANYTHING, is_outside=is_outside)
        is_outside = (self.is_outside or schema.get("outside") is True) and schema.get("outside") is not False
        if self.cause is not None:  # an author wrote the type of a model's answer: it cannot say who has sent a mail
            schema = {name: one for name, one in schema.items() if name not in _SAID_BY_SERVICES}
        return replace(self, path=path, schema=within(self.schema, schema), is_outside=is_outside)


class Derived(Struct, frozen=True):
    """What is known of a value: the origins of all that is in it, and of its parts if it was written as a literal."""

    origins: tuple[ValueOrigin, ...] = ()
    fields: Mapping[str, Derived] | None = None
    items: Derived | None = None
    depth: int = 0
    """Levels of known parts."""
    is_settled: bool = False
    """Whether it has few origins, however many values it was made from."""

    @property
    def outside(self) -> ValueOrigin | None:
        """The first origin whose text comes from outside, whoever starts the workflow."""
        return next(self._outside(), None)

    @property
    def every_outside(self) -> tuple[ValueOrigin, ...]:
        """The origins whose text comes from outside, whoever starts the workflow; only the first, if there are many."""
        return tuple(islice(self._outside(), MOST_KEPT))

    def _outside(self) -> Iterator[ValueOrigin]:
        return (one for one in self.origins if not one.is_input and one.carries_text)

    @property
    def inputs(self) -> tuple[ValueOrigin, ...]:
        """The inputs whose text is left in it."""
        found = [root for one in self.origins if one.is_input and one.carries_text for root in one.roots or (one,)]
        return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)

    @property
    def every_input(self) -> tuple[ValueOrigin, ...]:
        """The inputs whose text is left in it, also beside text from outside."""
        found = [root for one in self.origins if one.carries_text for root in one.roots or ((one,) * one.is_input)]
        return tuple(dict.fromkeys(found))

    @property
    def sources(self) -> frozenset[str]:
        """The connections or services that text in it comes from, and inputs as `inputs.text`."""
        found: set[str] = set()
        for one in self.origins:
            if one.carries_text:
                found |= one.sources
                roots = one.roots or ((one,) if one.is_input else ())
                found.update(".".join(root.path[:2]) for root in roots)
        return frozenset(found)

    @property
    def rank(self) -> int:
        """Return 0 if no text of others is in it, 1 if that depends on the inputs, 2 if some may be."""
        carrying = [one.is_input for one in self.origins if one.carries_text]
        return 0 if not carrying else 1 if all(carrying) else 2

    def field(self, name: str) -> Derived:
        """Return a field."""
        if self.fields is not None:
            return self.fields.get(name, NOTHING)
        return Derived(tuple([one.field(name) for one in self.origins]))

    def item(self) -> Derived:
        """Return any item of a list, or any value of an object."""
        return Derived(tuple([one.item() for one in self.origins])) if self.items is None else self.items

    def marked(self, *, is_current: bool) -> Derived:
        """Return the same value, as the item that is being worked on, or as one that no longer is."""
        origins = tuple([replace(one, is_current=is_current) for one in self.origins])
        fields = self.fields and {name: one.marked(is_current=is_current) for name, one in self.fields.items()}
        items = self.items and self.items.marked(is_current=is_current)
        return structs.replace(self, origins=origins, fields=fields, items=items)

    @property
    def is_sender(self) -> bool:
        """Return whether all text in it is the address from which the current item, a mail, came."""
        if self.items is not None and self.fields is None:
            return self.items.is_sender
        carrying = [one for one in self.origins if one.carries_text]
        return bool(carrying) and all(one.is_current and one.is_exact and "sender" in one.schema for one in carrying)

    @property
    def is_address(self) -> bool:
        """Return whether all text in it is the address of a page, as its service has made it."""
        carrying = [one for one in self.origins if one.carries_text]
        return bool(carrying) and all(one.is_exact and "address" in one.schema for one in carrying)

    def without_files(self) -> Derived:
        """Return the value without the files in it, and the paths of files that were found in the workspace.

        A type says so only for what a service itself returns: an author wrote the types of models' answers and inputs.
        """
        left = tuple([one for one in self.origins if not one.is_file])
        return self if len(left) == len(self.origins) else structs.replace(self, origins=left, fields=None, items=None)

    def part(self, path: Sequence[str]) -> Derived:
        """Return the part at a path."""
        found = self
        for name in path:
            found = found.item() if name == ITEM else found.field(name)
        return found

    def settled(self, path: Path) -> Derived:
        """Return the value as later steps see it at a path: however long a chain of steps, its origins stay few."""
        if self.is_settled:
            return self
        is_one = self.fields is None and self.items is None and len(self.origins) < _FEW
        if is_one and all(one.is_whole for one in self.origins):
            return structs.replace(self, is_settled=True)
        fields = self.fields and {name: one.settled((*path, name)) for name, one in self.fields.items()}
        items = None if self.items is None else self.items.settled((*path, ITEM))
        return Derived(made_from(self, path), fields, items, self.depth, is_settled=True)


def _leads_to_a_file(schema: Schema) -> bool:
    """Return whether a value of this type is a file of a run, or a path in the workspace; null is neither."""
    options = [within(schema, one) for key in ("anyOf", "oneOf") for one in resolved(schema).get(key, ())]
    found = [one for one in map(resolved, options or [schema]) if one.get("type") != "null"]
    return bool(found) and all(one.get("format") in _FILES for one in found)


def made_from(value: Derived, path: Path, schema: Schema = ANYTHING) -> tuple[ValueOrigin, ...]:
    """Return the origins of a value of some type at a path, whose text all comes from another value."""
    outside, inputs = value.outside, value.inputs
    is_whole = schema is not ANYTHING
    if outside is not None:
        return (
            ValueOrigin(
                path,
                schema,
                is_outside=True,
                is_whole=is_whole,
                is_exact=is_whole,
                roots=value.every_input,
                sources=value.sources,
                cause=outside,
                others=value.every_outside[1:],
            ),
        )
    if not inputs:
        return ()
    more = inputs[1:MOST_KEPT]
    whole = ValueOrigin(
        path, schema, is_input=True, is_whole=is_whole, is_exact=is_whole, roots=inputs, cause=inputs[0], others=more
    )
    return (whole,)


NOTHING = Derived()
Equal = Mapping[SyntaxNode, Derived]
"""Expressions that are equal to some other value."""
NOTHING_EQUAL: Equal = {}


def source(
    path: Path, schema: Schema = ANYTHING, *, is_outside: bool = False, words: str = "", of: str = ""
) -> Derived:
    """Return a value that is its own origin, and comes from a connection or service."""
    sources = frozenset({of}) if of else frozenset()
    return Derived((ValueOrigin(path, schema, is_outside, words=words, sources=sources),))


class Origins(Domain[Derived, Equal]):
    """The origins of values, given the origins of the variables."""

    unknown = NOTHING

    def __init__(self, variables: Mapping[str, Derived]) -> None:
        self._variables = variables
        self._bound: set[str] = set()
        """The variables of the macros seen so far."""

    def name(self, node: SyntaxNode, whole: SyntaxNode, facts: Equal) -> Derived:
        """Return the origins of a variable of the workflow."""
        return _narrowed(node, self._variables.get(node.name, NOTHING), facts)

    def variable(self, node: SyntaxNode, value: Derived, facts: Equal) -> Derived:
        """Return the origins of a variable of a macro."""
        return _narrowed(node, value, facts)

    def field(self, node: SyntaxNode, holder: Derived, whole: SyntaxNode, facts: Equal) -> Derived:
        """Return the origins of a field."""
        return _narrowed(node, holder.field(node.name), facts)

    def item(self, holder: Derived) -> Derived:
        """Return the origins of an item."""
        return holder.item()

    def gathered(self, node: SyntaxNode, item: Derived, facts: Equal) -> Derived:
        """Return the origins of the list of `filter` or `map`."""
        return Derived(_computed([item]), items=item, depth=item.depth)

    def listed(self, node: SyntaxNode, items: Sequence[Derived]) -> Derived:
        """Return the origins of a list."""
        return _literal(items, items=joined(items))

    def struct(self, node: SyntaxNode, parts: Sequence[Derived]) -> Derived:
        """Return the origins of an object."""
        keys = node.parts[::2]
        fields = {key.value[1]: value for key, value in zip(keys, parts[1::2], strict=True) if key.kind == "constant"}
        return _literal(parts, fields if len(fields) == len(keys) else None)

    def joined(self, values: Sequence[Derived]) -> Derived:
        """Return the origins of a value that may be any of these."""
        return joined(values)

    def function(self, node: SyntaxNode, values: Sequence[Derived]) -> Derived:
        """Return the origins of a result; a number, a truth value or a time has none."""
        if node.kind == "has" or node.name in SCALAR_RESULTS:
            return NOTHING
        return Derived(_computed(values))

    def call(self, node: SyntaxNode, values: Sequence[Derived], facts: Equal) -> Derived:
        """Return the origins of the result of a call."""
        found = super().call(node, values, facts)
        if node.name == "flatten":
            items = joined([one for value in values for one in (value.item(), value.item().item())])
            found = Derived(_computed(values), items=items, depth=items.depth)
        if node.name == "_+_" and found.origins:
            found = structs.replace(found, origins=tuple([replace(one, is_exact=False) for one in found.origins]))
        return _narrowed(node, found, facts)

    def assumed(self, facts: Equal, condition: SyntaxNode, *, truth: bool) -> Equal:
        """Add the expressions that a condition finds equal to other values."""
        found = self.equal(condition, truth=truth)
        return {**facts, **found} if found else facts

    def forgotten(self, facts: Equal, name: str) -> Equal:
        """Leave out what mentions a variable."""
        self._bound.add(name)
        about = SyntaxNode("ident", name)
        return {one: value for one, value in facts.items() if about not in walk(one)} if facts else facts

    def equal(self, condition: SyntaxNode, *, truth: bool = True) -> dict[SyntaxNode, Derived]:
        """Return the expressions that are equal to one of some other values if a condition is true, or false."""
        parts = condition.parts
        if condition.kind != "call":
            return {}
        if condition.name == "!_":
            return self.equal(parts[0], truth=not truth)
        if condition.name in ("_&&_", "_||_"):
            one, other = (self.equal(part, truth=truth) for part in parts)
            if truth == (condition.name == "_&&_"):
                return {**one, **other}
            return {node: joined([one[node], other[node]]) for node in one.keys() & other.keys()}
        if condition.name == ("_==_" if truth else "_!=_"):
            pairs = (parts, parts[::-1])
            return {one: self._plainly(other) for one, other in pairs if not _is_literal(one) and self._is_plain(other)}
        if truth and condition.name == "@in" and self._is_plain(parts[1]):
            return {parts[0]: self._plainly(parts[1]).item()}
        return {}

    def _is_plain(self, node: SyntaxNode) -> bool:
        """Return whether a value is a literal, or a path that does not begin with the variable of a macro."""
        if node.kind in _LITERALS:
            return all(map(self._is_plain, node.parts))
        while node.kind in ("select", "optional"):
            node = node.parts[0]
        return node.kind == "ident" and node.name not in self._bound

    def _plainly(self, node: SyntaxNode) -> Derived:
        return NOTHING if _is_literal(node) else Interpreter(self).value(node, NOTHING_EQUAL, {})


def derived(tree: SyntaxNode, variables: Mapping[str, Derived], certain: Iterable[SyntaxNode] = ()) -> Derived:
    """Return the origins of the value of an expression, where some conditions are certainly true."""
    domain = Origins(variables)
    facts: dict[SyntaxNode, Derived] = {}
    for condition in certain:
        facts.update(domain.equal(condition))
    return Interpreter(domain).value(tree, facts, {})


def joined(values: Sequence[Derived]) -> Derived:
    """Return the origins of a value that may be any of these."""
    if len(values) == 1:
        return values[0]
    origins = _all([one.origins for one in values])
    depth = max([one.depth for one in values], default=0)
    items = [one.items for one in values if one.items is not None]
    if len(items) == len(values) > 0:
        return Derived(origins, items=joined(items), depth=depth)
    objects = [one.fields for one in values if one.fields is not None]
    if len(objects) < len(values) or not objects:
        return Derived(origins)
    names = dict.fromkeys(name for one in objects for name in one)
    fields = {name: joined([one[name] for one in objects if name in one]) for name in names}
    return Derived(origins, fields, depth=depth)


def mixed(values: Sequence[Derived]) -> Derived:
    """Return the origins of a text with several expressions."""
    return Derived(_computed(values))


def literal(parts: Mapping[str, Derived] | Sequence[Derived]) -> Derived:
    """Return the origins of an object or a list that is written with these parts."""
    if isinstance(parts, Mapping):
        return _literal(list(parts.values()), parts)
    return _literal(parts, items=joined(parts))


def has_outside_text(schema: object, *, is_outside: bool = False) -> bool:
    """Return whether a value of this type may have text from outside in it; `is_outside`: all text in it is."""
    return _has_text(schema, schema if isinstance(schema, Mapping) else {}, set(), is_outside=is_outside)


def _literal(
    parts: Sequence[Derived], fields: Mapping[str, Derived] | None = None, items: Derived | None = None
) -> Derived:
    depth = 1 + max([one.depth for one in parts], default=0)
    if depth > _DEEPEST:
        return Derived(_computed(parts))
    return Derived(_computed(parts), fields, items, depth)


def _computed(values: Sequence[Derived]) -> tuple[ValueOrigin, ...]:
    """Return the origins of a value computed from these, as far as text is left."""
    found = [one.computed() for value in values for one in value.origins if one.carries_text]
    return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)


def _is_literal(node: SyntaxNode) -> bool:
    return node.kind in _LITERALS and all(map(_is_literal, node.parts))


def _narrowed(node: SyntaxNode, value: Derived, facts: Equal) -> Derived:
    """Return what a value is equal to, if that says more about it."""
    same = facts.get(node) if facts else None
    return value if same is None or same.rank >= value.rank else same


def _all(origins: Sequence[tuple[ValueOrigin, ...]]) -> tuple[ValueOrigin, ...]:
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
    is_time = schema.get("format") in _TIMES and schema.get("type") == "string"
    if "enum" in schema or "const" in schema or is_time or schema.get("outside") is False:
        return False
    is_outside = is_outside or bool(schema.get("outside"))
    root = root if "$defs" in root else schema
    if isinstance(schema.get("$ref"), str):
        name = schema["$ref"]
        if (name, is_outside) in seen:
            return False
        seen.add((name, is_outside))
        return _has_text(definition(name, root), root, seen, is_outside=is_outside)
    kinds = schema.get("type", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if kinds and kinds <= _NO_TEXT:
        return False
    if is_outside and _has_open_keys(schema):
        return True
    inside = [*_inside(schema)]
    is_described = bool(inside) and "string" not in kinds and (len(kinds) == 1 or (not kinds and _is_choice(schema)))
    return (is_outside and not is_described) or any(_has_text(one, root, seen, is_outside=is_outside) for one in inside)


def _has_open_keys(schema: Schema) -> bool:
    """Return whether this is an object in which names are text, too: not all of them are declared."""
    is_object = schema.get("type") == "object" or "properties" in schema
    return is_object and (schema.get("additionalProperties") is not False or "patternProperties" in schema)


def _is_choice(schema: Schema) -> bool:
    """Return whether a type without a kind is made of other types; members or items alone let any text pass."""
    return any(schema.get(key) for key in ("anyOf", "oneOf", "allOf"))


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
