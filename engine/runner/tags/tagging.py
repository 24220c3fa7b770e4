"""Work out the tag of the value of an expression, given the tags of its names (tags.py).

Of `a ? b : c` both cases count, and so does the value that `default()` did not take: the compiler counts them, too. The
values of the run decide the rest: a text that equals a clean one is clean, whatever the condition was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from engine.base.errors import OrchestraError
from engine.expressions.expressions import Expression, Template
from engine.expressions.syntax import SyntaxNode, walk
from engine.runner.tags.tags import (
    CLEAN,
    JUDGED,
    NOT_KNOWN,
    Computed,
    FieldTags,
    Gathered,
    ItemTags,
    Judged,
    Later,
    Outside,
    Tag,
    TypedTag,
    either,
    merged,
)

Names = Callable[[str], Tag]
"""Returns the tag of a name of the workflow. Raises KeyError if the name does not exist at this place."""

_WITHOUT_TEXT = frozenset(
    "_==_ _!=_ _<_ _<=_ _>_ _>=_ _&&_ _||_ !_ -_ _-_ _*_ _/_ _%_ @in @not_strictly_false not_strictly_false size int"
    " uint double bool type timestamp duration contains startsWith endsWith matches indexOf lastIndexOf hasValue"
    " optional.none getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds"
    " getMilliseconds sum avg parse_number parse_date start_of day lists.range".split()
)
"""Functions and operators whose result has no text in it, whatever they are given."""
_PASSING_ON = frozenset({"dyn", "value", "optional.of", "optional.ofNonZeroValue"})
_EITHER = frozenset({"orValue", "or"})
_INDEX = frozenset({"_[_]", "_[?_]", "_?._"})
_EQUAL = frozenset({"_==_", "@in"})
_SAME = _EQUAL | {"_!=_"}
_PATH = frozenset({"ident", "select", "optional"})
_LITERAL = frozenset({"constant", "list", "struct"})

Compared = Mapping[SyntaxNode, Sequence[SyntaxNode]]
"""The expressions that a workflow compares with others (`==`, `!=`, `in`), and with which."""


class ExpressionTexts:
    """What the expressions of a workflow say about texts, wherever they stand; the same for all its runs."""

    def __init__(self, expressions: Sequence[Expression], conditions: Sequence[Expression]) -> None:
        trees = [one.written for one in expressions]
        self.compared = comparisons(trees)
        self.conditions = comparisons([one.written for one in conditions])
        """What the `if` of its steps compare."""
        self.written = texts_in(trees)
        self._by_expression: dict[int, tuple[Expression, Compared]] = {}
        """By id; holding the expression too keeps Python from reusing its id."""

    def comparisons_in(self, expression: Expression) -> Compared:
        """Return what an expression of the workflow compares."""
        if id(expression) not in self._by_expression:
            self._by_expression[id(expression)] = expression, comparisons([expression.written])
        return self._by_expression[id(expression)][1]


class KnownTexts:
    """What is known of the texts of a workflow while the tags of one of its runs are worked out."""

    def __init__(self, said: ExpressionTexts) -> None:
        self.said = said
        self.is_asked = False
        """Whether something clean is being looked for; meanwhile only texts that are written count as such."""

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Look for something clean."""
        self.is_asked = True
        try:
            yield
        finally:
            self.is_asked = False


class Tagging:
    """Works out tags at one place of a run."""

    def __init__(self, names: Names, values: Mapping[str, Any], known: KnownTexts) -> None:
        self._names, self._values, self._known = names, values, known
        self._here: Compared = {}
        """What the expression compares that is looked at."""
        self._macros: list[Compared] = []
        """What the macros around a place compare."""

    def tree(self, tree: Any) -> Tag:
        """Return the tag of a field: JSON with a Template in place of every text with expressions."""
        if isinstance(tree, Template):
            return self._template(tree)
        if isinstance(tree, dict):
            fields = {name: self.tree(one) for name, one in tree.items()}
            return CLEAN if _are_clean(fields.values()) else FieldTags(fields)
        if isinstance(tree, list):
            items = [self.tree(one) for one in tree]
            return CLEAN if _are_clean(items) else ItemTags(items)
        return CLEAN

    def is_clean(self, text: Any) -> bool:
        """Return whether a text is one that the workflow's author wrote, or a clean one that it compares with."""
        if text is JUDGED or text in self._known.said.written:
            return True
        return not self._known.is_asked and text in self._clean_ones

    @cached_property
    def _clean_ones(self) -> frozenset[str]:
        """The clean texts among the values with which the workflow compares others, as far as they are known here."""
        paths = {node for others in self._known.said.compared.values() for node in others if node.kind in _PATH}
        with self._known.asked():
            return frozenset(text for path in paths for text in self._clean_texts(path))

    def _clean_texts(self, path: SyntaxNode) -> list[str]:
        try:
            if any(self._node(path, {}).found()):
                return []
        except KeyError:
            return []
        value = self._at(path)
        return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]

    def _template(self, template: Template) -> Tag:
        pieces = [one for one in template.pieces if isinstance(one, Expression)]
        if len(template.pieces) == 1:
            return self._expression(pieces[0]) if pieces else CLEAN
        return self._made_of(map(self._with_value, pieces))

    def _expression(self, expression: Expression) -> Tag:
        outer, self._here = self._here, self._known.said.comparisons_in(expression)
        try:
            return self._node(expression.written, {})
        finally:
            self._here = outer

    def _with_value(self, piece: Expression) -> Tag:
        """Return the tag of a part of a text, with its value if that can be evaluated here."""
        tag = self._expression(piece)
        if next(tag.found(), None) is None:
            return CLEAN
        try:
            return tag.valued(piece.value(self._values))
        except OrchestraError:
            return tag

    def left(self, tags: Iterable[Tag]) -> Outside | None:
        """Return where the texts in values come from that are not clean; None if all are."""
        return merged(outside for tag in tags for _, text, outside in tag.found() if not self.is_clean(text))

    def _made_of(self, tags: Iterable[Tag]) -> Tag:
        """Return the tag of a text, or another value, that is made of several."""
        outside = self.left(tags)
        return CLEAN if outside is None else Computed(outside)

    def _has_clean_one(self, others: Iterable[SyntaxNode]) -> bool:
        """Return whether one of the expressions with which another is compared is plain, and clean."""
        with self._known.asked():
            return any(self._is_plain_and_clean(other) for other in others)

    def _is_plain_and_clean(self, node: SyntaxNode) -> bool:
        if node.kind in _LITERAL:
            return all(map(self._is_plain_and_clean, node.parts))
        try:
            return node.kind in _PATH and next(self._node(node, {}).found(), None) is None
        except KeyError:
            return False

    # --- what is known of the values

    def _truth(self, node: SyntaxNode, bound: Collection[str]) -> bool | None:
        """Return whether a comparison of texts is true, None if that is not known here."""
        if node.name == "!_":
            inner = self._truth(node.parts[0], bound)
            return None if inner is None else not inner
        if node.name in ("_&&_", "_||_"):
            sides = [self._truth(part, bound) for part in node.parts]
            decides = node.name == "_||_"
            return decides if decides in sides else None if None in sides else not decides
        if node.name not in _SAME or node.kind != "call":
            return None
        one, other = (self._value(part, bound) for part in node.parts)
        if node.name == "@in":
            is_known = isinstance(one, str) and isinstance(other, list) and all(isinstance(each, str) for each in other)
            return one in other if is_known else None
        if not (isinstance(one, str) and isinstance(other, str)):
            return None
        return (one == other) == (node.name == "_==_")

    def _value(self, node: SyntaxNode, bound: Collection[str]) -> Any:
        """Return the value of a literal or a path; NOT_KNOWN for anything else."""
        if node.kind == "constant":
            return node.value[1]
        if node.kind == "list":
            return [self._value(part, bound) for part in node.parts]
        return NOT_KNOWN if _names(node, bound) else self._at(node)

    def _at(self, path: SyntaxNode) -> Any:
        if path.kind == "ident":
            return self._values.get(path.name, NOT_KNOWN)
        if path.kind == "call" and path.name == "_[_]" and path.parts[1].kind == "constant":
            holder, index = self._at(path.parts[0]), path.parts[1].value[1]
            is_in = isinstance(holder, list) and isinstance(index, int) and -1 < index < len(holder)
            return holder[index] if is_in else NOT_KNOWN
        holder = self._at(path.parts[0]) if path.kind in _PATH else NOT_KNOWN
        return holder.get(path.name, NOT_KNOWN) if isinstance(holder, dict) else NOT_KNOWN

    # --- the nodes of an expression; `bound` has the variables of macros

    def _node(self, node: SyntaxNode, bound: Mapping[str, Tag]) -> Tag:
        tag = self._whole(node, bound)
        if tag is CLEAN or self._known.is_asked:
            return tag
        if _names(node, bound):
            others = [other for compared in self._macros for other in compared.get(node, ())]
            return Judged(tag) if self._has_clean_one(others) else tag
        others = [*self._known.said.conditions.get(node, ()), *self._here.get(node, ())]
        is_at_hand = not others or any(text is not NOT_KNOWN and text is not JUDGED for _, text, _ in tag.found())
        return tag if is_at_hand or not self._has_clean_one(others) else Judged(tag)

    def _whole(self, node: SyntaxNode, bound: Mapping[str, Tag]) -> Tag:
        kind = node.kind
        if kind == "ident":
            return bound[node.name] if node.name in bound else self._names(node.name)
        if kind in ("select", "optional"):
            return self._node(node.parts[0], bound).field(node.name)
        if kind == "call":
            return self._call(node, bound)
        if kind == "list":
            return ItemTags([self._node(part, bound) for part in node.parts])
        if kind == "struct":
            return self._struct(node, bound)
        return self._loop(node, bound) if kind == "loop" else CLEAN

    def _struct(self, node: SyntaxNode, bound: Mapping[str, Tag]) -> Tag:
        keys, values = node.parts[::2], node.parts[1::2]
        if any(key.kind != "constant" for key in keys):
            return self._computed(node.parts, bound)
        return FieldTags({key.value[1]: self._node(one, bound) for key, one in zip(keys, values, strict=True)})

    def _call(self, node: SyntaxNode, bound: Mapping[str, Tag]) -> Tag:
        name, parts = node.name, node.parts
        if name in _WITHOUT_TEXT or name.startswith("math."):
            return CLEAN
        if name in _PASSING_ON:
            return self._node(parts[0], bound)
        if name == "_?_:_":
            truth = self._truth(parts[0], bound)
            cases = parts[1:] if truth is None else parts[1:2] if truth else parts[2:]
            return either([self._node(part, bound) for part in cases])
        if name in _EITHER:
            return either([self._node(part, bound) for part in parts])
        if name in _INDEX:
            return self._indexed(node, bound)
        if name == "_+_":
            return self._sum(node, bound)
        return self._computed(parts, bound)

    def _indexed(self, node: SyntaxNode, bound: Mapping[str, Tag]) -> Tag:
        holder, index = self._node(node.parts[0], bound), node.parts[1]
        known = index.value[1] if index.kind == "constant" else None
        if isinstance(known, str):
            return holder.field(known)
        if isinstance(holder, FieldTags):
            return either([*holder.fields.values()])
        return holder.item(known if isinstance(known, int) else None)

    def _sum(self, node: SyntaxNode, bound: Mapping[str, Tag]) -> Tag:
        """Return the tag of `a + b`: of a text, or of a list with the items of both."""
        tags = [self._node(part, bound) for part in node.parts]
        if any(map(_is_list, tags)) and all(one is CLEAN or _is_list(one) for one in tags):
            return Gathered(either([one.item() for one in tags]))
        return self._computed(node.parts, bound)

    def _computed(self, parts: Iterable[SyntaxNode], bound: Mapping[str, Tag]) -> Tag:
        """Return the tag of what a function makes of its arguments."""
        return self._made_of(self._node(part, bound) for part in parts)

    def _loop(self, node: SyntaxNode, bound: Mapping[str, Tag]) -> Tag:
        """Return the tag of the result of a macro: of what it gathers, or accumulates."""
        over, first, _, step, result = node.parts
        so_far, second = node.value
        holder = self._node(over, bound)
        inner = {**bound, node.name: holder.element(), second: holder.item()}
        added = _gathered(step, so_far)
        self._macros.append(comparisons(node.parts[2:], _EQUAL))
        try:
            if added is not None:
                return Gathered(self._node(added, inner))
            inner[so_far] = self._node(first, bound)
            inner[so_far] = either([inner[so_far], self._node(step, inner)])
            return self._node(result, inner)
        finally:
            self._macros.pop()


def comparisons(trees: Iterable[SyntaxNode], operators: Container[str] = _SAME) -> Compared:
    """Return which expressions are compared with which others in these expressions."""
    found: dict[SyntaxNode, list[SyntaxNode]] = {}
    for node in (one for tree in trees for one in walk(tree)):
        if node.kind == "call" and node.name in operators:
            one, other = node.parts
            found.setdefault(one, []).append(other)
            if node.name != "@in":
                found.setdefault(other, []).append(one)
    return found


def texts_in(trees: Iterable[SyntaxNode]) -> frozenset[str]:
    """Return the texts that are written in expressions."""
    constants = (node.value[1] for tree in trees for node in walk(tree) if node.kind == "constant")
    return frozenset(one for one in constants if isinstance(one, str))


def expressions_in(tree: Any) -> Iterator[Expression]:
    """Yield the expressions in a field."""
    if isinstance(tree, Template):
        yield from (one for one in tree.pieces if isinstance(one, Expression))
    elif isinstance(tree, dict):
        yield from (inner for one in tree.values() for inner in expressions_in(one))
    elif isinstance(tree, list):
        yield from (inner for one in tree for inner in expressions_in(one))


def has_expressions(tree: Any) -> bool:
    """Return whether a field is more than constants."""
    return next(expressions_in(tree), None) is not None


def _names(node: SyntaxNode, bound: Collection[str]) -> bool:
    """Return whether an expression names a variable of a macro."""
    return bool(bound) and any(one.kind == "ident" and one.name in bound for one in walk(node))


def _are_clean(tags: Iterable[Tag]) -> bool:
    return all(one is CLEAN for one in tags)


def _is_list(tag: Tag) -> bool:
    if isinstance(tag, Later):
        return _is_list(tag.inner())
    if isinstance(tag, TypedTag):
        return isinstance(tag.value, list) or tag.schema.get("type") == "array"
    return isinstance(tag, ItemTags | Gathered)


def _gathered(step: SyntaxNode, so_far: str) -> SyntaxNode | None:
    """Return what each step of `map` or `filter` adds to the list; None for other macros."""
    before = SyntaxNode("ident", so_far)
    if step.name == "_?_:_" and step.parts[2] == before:
        step = step.parts[1]
    if step.name == "_+_" and step.parts[0] == before and step.parts[1].kind == "list":
        return step.parts[1].parts[0]
    return None
