"""Fixes of expressions: names, functions of other languages, and types that do not go together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from clients.wording import nearest
from engine.base.errors import ExpressionError
from engine.base.step_tree import step_nodes
from engine.compiler.definition.identifiers import step_id_fault
from engine.copilot.fixes.calls import as_property, rewritten_call
from engine.copilot.fixes.operators import as_texts, other_languages
from engine.copilot.fixes.records import Idea
from engine.copilot.fixes.schemas import takes
from engine.copilot.fixes.seen import FixContext, SeenProblem, changed
from engine.expressions.cel_types import plain
from engine.expressions.templates import parts, path_before
from engine.expressions.typed import TypedExpression, Visible, WrongExpression, compile_typed

_STEP = re.compile(r"steps\.\w+\Z")
_NAME = re.compile(r"[A-Za-z_]\w*")
_WHOLE = re.compile(r"\s*\{\{.*\}\}\s*\Z", re.DOTALL)
_STAND_INS = {"STRING": "''", "LIST": "[]"}


class FaultyExpression(Struct, frozen=True):
    """The expression of a field that has a problem."""

    seen: SeenProblem
    text: str
    """Without its braces."""
    begin: int
    """Where it begins in the field."""
    offset: int
    """Where the problem is, in the expression."""
    visible: Visible

    def with_text(self, text: str) -> Idea:
        """Return the idea of another expression in its place."""
        field = self.seen.value
        new = f"{field[: self.begin]}{text}{field[self.begin + len(self.text) :]}"
        return self.seen.writing(new, changed(self.text, text))

    def typed(self, text: str) -> TypedExpression | None:
        """Compile an expression in its place; None if it is wrong."""
        try:
            return compile_typed(text, self.visible)
        except WrongExpression:
            return None

    def errors(self) -> list[ExpressionError]:
        """Return the errors of the expression at the place of the problem."""
        try:
            compile_typed(self.text, self.visible)
        except WrongExpression as error:
            return [one for one in error.errors if one.details.get("offset", 0) == self.offset]
        return []


def meant_expression(seen: SeenProblem) -> Iterator[Idea]:
    """An expression that does not compile: another name or function, other signs, or texts of what is joined."""
    if isinstance(seen.value, str) and "{{" not in seen.value:
        yield seen.writing(f"{{{{ {seen.value.strip()} }}}}")
    source = source_of(seen)
    if source is None:
        yield from _closed(seen)
        return
    for text in _candidates(source):
        if text != source.text:
            yield source.with_text(text)


def fitting_type(seen: SeenProblem) -> Iterator[Idea]:
    """A value of an expression that the field does not take, where the conversion is certain."""
    value, source = seen.value, source_of(seen)
    if not isinstance(value, str) or source is None:
        return
    is_whole = bool(_WHOLE.match(value)) and len(parts(value)) == 1
    typed = source.typed(source.text) if is_whole else None
    inner = source.text.strip()
    if typed is not None:
        fields, _ = plain(typed.schema, typed.schema)
        known, needed = fields.get("properties", {}), fields.get("required", [])
        lists = [name for name, one in known.items() if one.get("type") == "array" and name in needed]
        if len(lists) == 1:
            yield source.with_text(f" {inner}.{lists[0]} ")
        for call in ("string({})", "double({})", "{}.join(', ')", "text({})", "[{}]"):
            if "join" not in call or typed.kind.startswith("LIST"):
                yield source.with_text(f" {call.format(inner)} ")
    elif not is_whole and value.strip() != value:
        yield seen.writing(value.strip())
    if takes(seen, "array"):
        yield seen.writing([value], f"Make {seen.field} a list of this one")


def may_be_missing(seen: SeenProblem) -> Iterator[Idea]:
    """An output that may be missing: the step is skipped, too, or something stands in for it."""
    source = source_of(seen)
    if source is None:
        return
    path = _path_at(source.text, source.offset)
    guard = ".".join(path.split(".")[:3])
    node = seen.node
    if node is not None and guard.startswith("steps.") and seen.inside[:1] != ("if",):
        condition = node.step.condition
        both = f"has({guard}) && ({condition})" if condition else f"has({guard})"
        target = (*node.place, "if")
        yield Idea(f"Skip {node.step.id!r} unless {guard} is there", [seen.set(target, f"{{{{ {both} }}}}")])
    typed = source.typed(path) if path else None
    stand_in = None if typed is None else _STAND_INS.get(typed.kind.split("<")[0])
    if stand_in is not None:
        begin = source.text.rfind(path, 0, source.offset + len(path))
        text = f"{source.text[:begin]}default({path}, {stand_in}){source.text[begin + len(path) :]}"
        yield source.with_text(text)


def source_of(seen: SeenProblem) -> FaultyExpression | None:
    """Return the expression that a problem is about, if it can be read."""
    names = seen.names
    if not isinstance(seen.value, str) or names is None:
        return None
    try:
        found = [one for one in parts(seen.value) if one.is_expression]
    except ExpressionError:
        return None
    inside = [one for one in found if one.offset <= seen.offset <= one.offset + len(one.text)] or found[:1]
    if not inside:
        return None
    part = inside[-1]
    report = seen.around.report
    known = {} if report is None else report.types
    later = {one.step.id: known[one.path] for one in seen.in_scope if one.path in known}
    visible = Visible(names.variables, {**later, **names.steps})
    return FaultyExpression(seen, part.text, part.offset, max(0, seen.offset - part.offset), visible)


def _candidates(source: FaultyExpression) -> Iterator[str]:
    errors = source.errors()
    for error in errors:
        yield from _with_name(source, error)
    yield from as_property(source.text, source.offset)
    yield from as_texts(source.text, source.offset, source.typed)
    if source.typed(source.text) is None:
        yield from other_languages(source.text)


def _with_name(source: FaultyExpression, error: ExpressionError) -> Iterator[str]:
    """Yield the expression with the names that were probably meant in place of an unknown one."""
    unknown, name = error.details.get("unknown"), str(error.details.get("name", ""))
    guess = error.details.get("guess")
    if unknown == "function":
        yield from rewritten_call(source.text, name, source.offset)
        return
    if unknown == "step":
        yield from _replaced(source, name, _renamed_step(source.seen.around, name))
        guess = guess or nearest(name, list(source.visible.steps or ()))
        guess = None if guess is None or step_id_fault(str(guess)) else guess
    if unknown == "field" and _STEP.search(path_before(source.text, source.offset)):
        place = _place(source, name)
        yield f"{source.text[:place]}output.{source.text[place:]}"
    if unknown is not None:
        yield from _replaced(source, name, str(guess) if guess else None)


def _replaced(source: FaultyExpression, name: str, new: str | None) -> Iterator[str]:
    place = _place(source, name)
    if new is not None and place >= 0:
        yield f"{source.text[:place]}{new}{source.text[place + len(name) :]}"


def _place(source: FaultyExpression, name: str) -> int:
    """Return where a name is in an expression, the first place after the problem."""
    places = [one.start() for one in _NAME.finditer(source.text) if one[0] == name]
    return min(places, key=lambda one: (one < source.offset, abs(one - source.offset)), default=-1)


def _path_at(text: str, offset: int) -> str:
    """Return the whole path that has a name at an offset, such as `steps.mails.output.messages`."""
    for found in re.finditer(r"[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*(?P<call>\s*\()?", text):
        if found.start() <= offset < found.end():
            path = found[0].removesuffix(found["call"] or "")
            return path.rpartition(".")[0] if found["call"] else path
    return ""


def _closed(seen: SeenProblem) -> Iterator[Idea]:
    """An expression whose braces or brackets are not closed."""
    if isinstance(seen.value, str) and "{{" in seen.value:
        for end in (" }}", ") }}", "}"):
            yield seen.writing(seen.value.rstrip() + end)


def _renamed_step(around: FixContext, old: str) -> str | None:
    """Return the id of the step that had another id in the saved file, if it is certain which one it is now."""
    before = {one.step.id: one for one in step_nodes(around.saved)}
    if old not in before:
        return None
    was = before[old]
    new = [one for one in around.nodes if one.step.id not in before]
    same = [one for one in new if one.step.uses == was.step.uses and one.place[:-1] == was.place[:-1]]
    exact = [one for one in same if one.place == was.place] or same
    return exact[0].step.id if len(exact) == 1 else None
