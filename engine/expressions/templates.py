"""Text with `{{ }}` in it: find each expression, and rewrite it for CEL."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from msgspec import Struct

from engine.base import expression_limits as limits
from engine.base.errors import ExpressionError
from engine.expressions.syntax import ARRANGED

if TYPE_CHECKING:
    from engine.expressions.function_table import Function

Ours: TypeAlias = "Mapping[str, Function]"
"""Our functions and macros by each name that is accepted (`function_table.BY_NAME`)."""
_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
  | (?P<string>[rRbB]{0,2}(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"
        |'(?!'')(?:\\.|[^'\\\n])*'|"(?!"")(?:\\.|[^"\\\n])*"))
  | (?P<unclosed>[rRbB]{0,2}(?:(?:'''|\"\"\").*|['"][^\n]*))
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>\d[\w.]*)
  | (?P<open>[([{])
  | (?P<close>[)\]}])
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r"[\w\s.?!=<>+*%&|:-]*(?=\}\})")
"""An expression without brackets, texts and comments, up to its end."""
TOO_DEEP = "The expression has too many parts inside each other or in a row; at most 32 are read."
TOO_DEEP_REMEDY = "Give parts of it names with flow.set, and use those."
LONGEST_NAME = 200
_DOUBLING = frozenset({"optMap", "optFlatMap"})
"""Macros whose target occurs twice in CEL's expansion."""
_MOST_DOUBLING = 4  # four inside each other make the expansion 16 times as long
_DEFAULT = "Write it like default(steps.read.output.kind, 'none')."
_NAME_SPACES = frozenset({"math", "regex", "lists", "strings", "optional"})
_EACH = "each__"
_ONE_ITEM = frozenset({"min", "max"})
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class Token(NamedTuple):
    """A token of an expression."""

    kind: str
    text: str
    offset: int


class TemplatePart(Struct, frozen=True):
    """A part of a template: literal text, or the source between `{{` and `}}`."""

    text: str
    offset: int
    is_expression: bool


def tokens(source: str, start: int = 0) -> Iterator[Token]:
    """Split an expression into tokens; strings are one token each, whatever they contain."""
    for match in _TOKEN.finditer(source, start):
        yield Token(match.lastgroup or "other", match.group(), match.start())


def parts(text: str) -> list[TemplatePart]:
    """Split template text into literal and expression parts.

    Raises ExpressionError (details: `offset`) if an expression does not end.
    """
    found: list[TemplatePart] = []
    position = 0
    while (begin := text.find("{{", position)) >= 0:
        if begin > position:
            found.append(TemplatePart(text[position:begin], position, is_expression=False))
        end = _end(text, begin)
        found.append(TemplatePart(text[begin + 2 : end], begin + 2, is_expression=True))
        if len(found) > 2 * limits.MOST_EXPRESSIONS:
            said = f"The text has more than the limit of {limits.MOST_EXPRESSIONS:,} expressions."
            raise ExpressionError(said, remedy="Make it in several steps with flow.set.", offset=begin)
        position = end + 2
    if position < len(text) or not found:
        found.append(TemplatePart(text[position:], position, is_expression=False))
    return found


def _end(text: str, begin: int) -> int:
    """Return the offset of the `}}` that closes the `{{` at `begin`."""
    plain = _PLAIN.match(text, begin + 2)
    if plain is not None:
        return plain.end()
    open_brackets: list[Token] = []
    for token in tokens(text, begin + 2):
        if token.kind == "unclosed":
            said = "The text that begins here has no closing quote."
            remedy = f"Put {token.text[:1]} where it ends."
            if "\n" in token.text or text.startswith("\n", token.offset + len(token.text)):
                remedy = "A text in an expression stands on one line: write a line break as \\\\n in the JSON file."
            raise ExpressionError(said, remedy=remedy, offset=token.offset)
        if not open_brackets and text.startswith("}}", token.offset):
            return token.offset
        if token.kind == "open":
            open_brackets.append(token)
        elif token.kind == "close" and open_brackets and text.startswith("}}", token.offset):
            opening = open_brackets[-1]
            if opening.text != "{":
                said = f"Put {_CLOSING[opening.text]!r} where it ends."
                raise ExpressionError(f"{opening.text!r} is not closed.", remedy=said, offset=opening.offset)
            open_brackets.pop()
        elif token.kind == "close" and (not open_brackets or _CLOSING[open_brackets.pop().text] != token.text):
            raise ExpressionError(
                f"{token.text!r} closes nothing that was opened.",
                remedy="Check the brackets, and that the expression ends with '}}'.",
                offset=token.offset,
            )
    raise ExpressionError("'{{' is not closed by '}}'.", remedy="For a literal '{{' write {{ '{{' }}.", offset=begin)


def path_before(source: str, offset: int) -> str:
    """Return the path directly before a dot, such as `steps.mails.output`; "" without a path."""
    run = [token for token in tokens(source[:offset]) if token.kind != "space"]
    begin = len(run)
    while begin > 0 and run[begin - 1].kind in ("name", "close"):
        begin = begin - 1 if run[begin - 1].kind == "name" else _opening(run, begin - 1)
        is_indexed = begin > 0 and run[begin].kind == "open" and run[begin - 1].kind in ("name", "close")
        dots = next((n for n in range(begin) if run[begin - 1 - n].text not in (".", "?")), begin)
        if not dots and not is_indexed:
            break
        begin -= dots
    return source[run[begin].offset : offset].strip() if begin < len(run) else ""


def _opening(run: Sequence[Token], closing: int) -> int:
    depth = 0
    for position in range(closing, -1, -1):
        depth += {"close": 1, "open": -1}.get(run[position].kind, 0)
        if depth == 0:
            return position
    return 0


class Spelling(Struct, frozen=True):
    """An expression as passed to CEL, with a map from its columns back to the author's."""

    text: str
    pieces: tuple[tuple[int, int], ...]
    """(offset in `text`, offset in the source), ascending."""

    def offset(self, line: int, column: int) -> int:
        """Return the offset in `text` of a position (both from 1; only a quoted text has several lines)."""
        return sum(len(one) + 1 for one in self.text.split("\n")[: line - 1]) + column - 1

    def source_of(self, offset: int) -> int:
        """Return the author's offset for an offset in `text`."""
        behind = bisect_right(self.pieces, (offset, sys.maxsize))
        begin, source = self.pieces[behind - 1] if behind else (0, 0)
        return source + offset - begin


class _Writer:
    def __init__(self, replaced: Mapping[int, Sequence[str]], ours: Ours) -> None:
        self.ours = ours
        self.texts: list[str] = []
        self.pieces: list[tuple[int, int]] = []
        self._replaced, self._length = replaced, 0

    def put(self, text: str, source_offset: int) -> None:
        self.pieces.append((self._length, source_offset))
        self.texts.append(text)
        self._length += len(text)

    def put_token(self, token: Token) -> None:
        texts = self._replaced.get(token.offset)
        if texts is None:
            self.put(token.text, token.offset)
            return
        for text in texts:
            self.put(text, token.offset)


def expression_tokens(source: str) -> list[Token]:
    """Return the tokens of an expression, without spaces and comments. Raises ExpressionError (details: `offset`)."""
    if len(source) > limits.LONGEST_SOURCE:
        raise limits.too_long(source)
    run = [token for token in tokens(source) if token.kind != "space"]
    for token in run:
        if token.kind == "name" and len(token.text) > LONGEST_NAME:
            said = f"The name {token.text[:20]}… has {len(token.text):,} characters; at most {LONGEST_NAME} are read."
            raise ExpressionError(said, remedy="A name must be a step, an input or a field.", offset=token.offset)
    if sum(token.text in _DOUBLING for token in run) > _MOST_DOUBLING:
        said = f"The expression has more than the limit of {_MOST_DOUBLING} optMap and optFlatMap."
        raise ExpressionError(said, remedy="Use default(path, value), or orValue(…) first and work on that.")
    return run


def spelling(run: Sequence[Token], replaced: Mapping[int, Sequence[str]], ours: Ours) -> Spelling:
    """Rewrite our own functions for CEL.

    `default(a.b, y)` becomes `a.?b.orValue(y)`, and `x.sort()` a filter (`ARRANGED`), so that types are still checked.
    `text(x)` and its like receive their argument in a list of one, because functions of this CEL runtime cannot take a
    value of any type. `replaced` has the texts to write for other tokens, by offset. Raises ExpressionError (details:
    `offset`).
    """
    writer = _Writer(replaced, ours)
    try:
        _rewrite(run, writer)
    except RecursionError:
        raise ExpressionError(TOO_DEEP, remedy=TOO_DEEP_REMEDY) from None
    return Spelling("".join(writer.texts), tuple(writer.pieces))


def _rewrite(run: Sequence[Token], writer: _Writer) -> None:
    position = 0
    while position < len(run):
        token, rewrite = run[position], _rewriting(run, position, writer.ours)
        _put_gap(run, position, writer)  # after `in`
        if rewrite is None:
            writer.put_token(token)
            position += 1
        else:
            end = closing_bracket(run, position + 1)
            arguments = _arguments(run[position + 2 : end])
            rewrite(token, arguments, writer)
            position = end + 1


_Rewriting: TypeAlias = "Callable[[Token, list[Sequence[Token]], _Writer], None]"


def _rewriting(run: Sequence[Token], position: int, ours: Ours) -> _Rewriting | None:
    """Return how the call that begins here is rewritten, None if it is not."""
    name = run[position].text
    if run[position].kind != "name" or position + 1 == len(run) or run[position + 1].text != "(":
        return None
    is_method = position > 0 and run[position - 1].text == "."
    space = run[position - 2].text if is_method and position > 1 else ""
    if space in _NAME_SPACES:
        return _put_optional if (space, name) == ("regex", "extract") else None
    if name == "default":
        return None if is_method else _put_default
    if name == ARRANGED:  # only we write it
        raise ExpressionError(
            f"There is no function {name!r}.", remedy="Call x.sort() and its like.", offset=run[position].offset
        )
    one = ours.get(name)
    if one is None:
        return None
    if one.arguments is not None:
        return partial(_put_macro, one, is_method=is_method)
    if one.implementation is not None:
        return None if is_method else partial(_put_wrapped, one)
    return partial(_put_accepted, one) if name != one.called else None


def _put_gap(run: Sequence[Token], position: int, writer: _Writer) -> None:
    """Write a space where two names or numbers would become one."""
    token = run[position]
    if position > 0 and {token.kind, run[position - 1].kind} <= {"name", "number"}:
        writer.put(" ", token.offset - 1)


def is_call(run: Sequence[Token], position: int) -> bool:
    """Return whether the token at this position is the name of a function that is called, other than a method."""
    follows_dot = position > 0 and run[position - 1].text == "."
    return not follows_dot and position + 1 < len(run) and run[position + 1].text == "("


def closing_bracket(run: Sequence[Token], opening: int) -> int:
    """Return the position of the bracket that closes the one at `opening`. Raises ExpressionError."""
    depth = 0
    for position in range(opening, len(run)):
        depth += {"open": 1, "close": -1}.get(run[position].kind, 0)
        if depth == 0:
            return position
    raise ExpressionError("'(' is not closed.", offset=run[opening].offset)


def _arguments(run: Sequence[Token]) -> list[Sequence[Token]]:
    arguments: list[list[Token]] = [[]]
    depth = 0
    for token in run:
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if token.text == "," and depth == 0:
            arguments.append([])
        else:
            arguments[-1].append(token)
    return [argument for argument in arguments if argument]


def _put_macro(
    macro: Function, name: Token, arguments: list[Sequence[Token]], writer: _Writer, *, is_method: bool
) -> None:
    """Write `x.sort()` or `sort(x)` as a filter."""
    count = macro.arguments or 0
    if len(arguments) != count + (not is_method) or (macro.is_macro and arguments[-2][0].kind != "name"):
        remedy = f"Write it like {macro.written}."
        raise ExpressionError(f"{name.text}() does not take these arguments.", remedy=remedy, offset=name.offset)
    if not is_method:
        writer.put("(", name.offset)
        _rewrite(arguments.pop(0), writer)
        writer.put(").", name.offset)
    if macro.name == "group_by":
        _put_groups(name, arguments, writer)
        arguments = []
    each = arguments.pop(0)[0].text if macro.is_macro and arguments else _EACH
    writer.put(f"filter({each}, {ARRANGED}('{macro.name}', [", name.offset)
    _put_all(arguments, name, writer)
    writer.put("]))" + "[0]" * (macro.name in _ONE_ITEM), name.offset)


def _put_groups(name: Token, arguments: list[Sequence[Token]], writer: _Writer) -> None:
    """Write each item as a group of its own; our function joins groups with the same key."""
    each = arguments[0][0].text
    writer.put(f"map({each}, {{'key': ", name.offset)
    _rewrite(arguments[1], writer)
    writer.put(f", 'items': [{each}]}}).", name.offset)


def _put_optional(name: Token, arguments: list[Sequence[Token]], writer: _Writer) -> None:
    """Write `regex.extract`, whose function gives a list of one or none, as an optional value."""
    writer.put("extract(", name.offset)
    _put_all(arguments, name, writer)
    writer.put(")[?0]", name.offset)


def _put_accepted(function: Function, name: Token, arguments: list[Sequence[Token]], writer: _Writer) -> None:
    """Write a function by its own name."""
    writer.put(f"{function.called}(", name.offset)
    _put_all(arguments, name, writer)
    writer.put(")", name.offset)


def _put_all(arguments: list[Sequence[Token]], name: Token, writer: _Writer) -> None:
    for place, argument in enumerate(arguments):
        writer.put(", " * (place > 0), name.offset)
        _rewrite(argument, writer)


def _put_wrapped(function: Function, name: Token, arguments: list[Sequence[Token]], writer: _Writer) -> None:
    if len(arguments) != 1:
        remedy = f"Write it like {name.text}(steps.read.output)."
        raise ExpressionError(f"{name.text}() takes one value.", remedy=remedy, offset=name.offset)
    writer.put(f"{function.called}([", name.offset)
    _rewrite(arguments[0], writer)
    writer.put("])", name.offset)


def _put_default(name: Token, arguments: list[Sequence[Token]], writer: _Writer) -> None:
    if len(arguments) != 2 or arguments[0][0].kind != "name" or len(arguments[0]) < 2:
        raise ExpressionError("default() takes a path and a value.", remedy=_DEFAULT, offset=name.offset)
    _put_optional_path(arguments[0], writer)
    writer.put(".orValue(", name.offset)
    _rewrite(arguments[1], writer)
    writer.put(")", name.offset)


def _put_optional_path(path: Sequence[Token], writer: _Writer) -> None:
    writer.put_token(path[0])
    position = 1
    while position < len(path):
        token = path[position]
        if token.text == "." and position + 1 < len(path):
            writer.put(".?", token.offset)
            writer.put(path[position + 1].text, path[position + 1].offset)
            position += 2
        elif token.text == "[":
            end = closing_bracket(path, position)
            writer.put("[?", token.offset)
            _rewrite(path[position + 1 : end], writer)
            writer.put("]", path[end].offset)
            position = end + 1
        else:
            said = "The first argument of default() is a plain path."
            raise ExpressionError(said, remedy=_DEFAULT, offset=token.offset)
