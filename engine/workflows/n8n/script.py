"""n8n's expressions, which are JavaScript, as expressions of CEL.

Only what means the same in both is translated: paths, comparisons, arithmetic, conditions, texts, and what
`functions.py` lists. All else raises `Untranslatable`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from engine.compiler.definition.identifiers import loop_name_fault
from engine.workflows.n8n.functions import (
    EACH,
    FUNCTIONS,
    METHODS,
    NOW,
    PLAIN,
    SIMPLE,
    Cel,
    Untranslatable,
    joined,
    quoted,
    step_into,
    text_part,
    time_part,
    truth_of,
)

Path = tuple[str | int, ...]
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<template>`(?:[^`\\]|\\.)*`)"""
    r"""|(?P<name>[A-Za-z_$][\w$]*)|(?P<sign>===|!==|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.|[-+*/%<>!?:.,()\[\]{}]))""",
    re.DOTALL,
)
_DEEPEST = 30
_LONGEST = 10_000
_BINARY = ({"??", "||"}, {"&&"}, {"==", "===", "!=", "!=="}, {"<", ">", "<=", ">="}, {"+", "-"}, {"*", "/", "%"})
_UNITS = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1, "week": 604_800}


class ScriptNames(Protocol):
    """What the names in an expression stand for."""

    def item(self, node: str | None, path: Path) -> str:
        """Return the CEL for a field of the item at hand, or of what a node gave. Raises Untranslatable."""

    def items(self, node: str | None) -> str:
        """Return the CEL for the list of items of a node, or of those at hand. Raises Untranslatable."""

    def has_items(self, node: str | None) -> bool:
        """Return whether a node gives several items, or those at hand are several."""


class _Reference(Struct, frozen=True):
    """A path that is not at its end yet: of a node, or of the item at hand."""

    node: str | None
    path: Path = ()
    is_whole: bool = False  # a node as such: `.item.json` or `.first().json` must follow


def translated(script: str, names: ScriptNames) -> str:
    """Return the CEL of one expression of n8n, without its braces. Raises Untranslatable."""
    return parsed(script, names).cel


def parsed(script: str, names: ScriptNames) -> Cel:
    """Return one expression of n8n as a value of CEL. Raises Untranslatable."""
    return _Parser(script, names).whole()


def _unquoted(word: str) -> str:
    simple = {"n": "\n", "t": "\t", "r": "\r"}
    if re.search(r"\\[^ntr'\"`\\/$]", word):
        raise Untranslatable
    return re.sub(r"\\(.)", lambda found: simple.get(found[1], found[1]), word[1:-1], flags=re.DOTALL)


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 10


def _tokens(script: str) -> list[tuple[str, str]]:
    found, place = list[tuple[str, str]](), 0
    script = script.strip().rstrip(";").rstrip()
    if len(script) > _LONGEST:
        raise Untranslatable
    while place < len(script):
        match = _TOKEN.match(script, place)
        if match is None:
            raise Untranslatable
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        place = match.end()
    return [*found, ("end", "")]


class _Parser:
    """Reads one expression by precedence."""

    def __init__(self, script: str, names: ScriptNames, local: Sequence[str] = (), depth: int = 0) -> None:
        self._tokens, self._place = _tokens(script), 0
        self._names, self._local, self._depth = names, tuple(local), depth

    def whole(self) -> Cel:
        """Return the expression. Raises Untranslatable if there is more."""
        found = self._expression()
        if self._tokens[self._place][0] != "end":
            raise Untranslatable
        return found

    def _next(self) -> tuple[str, str]:
        found = self._tokens[self._place]
        self._place += found[0] != "end"
        return found

    def _is(self, sign: str) -> bool:
        return self._tokens[self._place] == ("sign", sign)

    def _take(self, sign: str) -> bool:
        if self._is(sign):
            self._place += 1
            return True
        return False

    def _require(self, sign: str) -> None:
        if not self._take(sign):
            raise Untranslatable

    def _expression(self) -> Cel:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Untranslatable
        found = self._binary(0)
        if self._take("?"):
            yes = self._expression()
            self._require(":")
            no = self._expression()
            kind = yes.kind if yes.kind == no.kind else ""
            found = Cel(f"{truth_of(found).part} ? {yes.part} : {no.part}", kind, is_single=False)
        self._depth -= 1
        return found

    def _binary(self, level: int) -> Cel:
        if level == len(_BINARY):
            return self._unary()
        left = self._binary(level + 1)
        while self._tokens[self._place][0] == "sign" and self._tokens[self._place][1] in _BINARY[level]:
            sign = self._next()[1]
            left = joined(left, sign, self._binary(level + 1))
        return left

    def _unary(self) -> Cel:
        if self._is("!") or self._is("-"):
            sign = self._next()[1]
            if self._is("!") or self._is("-"):
                raise Untranslatable
            found = self._unary()
            return Cel(f"!{truth_of(found).part}", "truth") if sign == "!" else Cel(f"-{found.part}", "number")
        return self._member(self._primary())

    def _primary(self) -> Cel | _Reference:
        kind, word = self._next()
        if kind == "number":
            return Cel(word, "number")
        if kind == "text":
            return Cel(quoted(_unquoted(word)), "text")
        if kind == "template":
            return self._template(word)
        if kind == "name":
            return self._named(word)
        if word == "(":
            found = self._expression()
            self._require(")")
            return found
        if word == "[":
            parts = self._listed("]")
            return Cel(f"[{', '.join(one.cel for one in parts)}]", "list")
        if word == "{":
            return self._object()
        raise Untranslatable

    def _object(self) -> Cel:
        members = list[str]()
        while not self._take("}"):
            kind, name = self._next()
            if kind not in ("name", "text"):
                raise Untranslatable
            self._require(":")
            members.append(f"{quoted(_unquoted(name) if kind == 'text' else name)}: {self._expression().cel}")
            if not self._is("}"):
                self._require(",")
        return Cel(f"{{{', '.join(members)}}}", "object")

    def _listed(self, end: str) -> list[Cel]:
        found = list[Cel]()
        while not self._take(end):
            found.append(self._expression())
            if not self._is(end):
                self._require(",")
        return found

    def _template(self, word: str) -> Cel:
        parts = list[Cel]()
        for number, part in enumerate(re.split(r"\$\{([^{}]*)\}", word[1:-1])):
            if number % 2:
                parts.append(_Parser(part, self._names, self._local, self._depth).whole())
            elif part:
                parts.append(Cel(quoted(_unquoted(f"`{part}`")), "text"))
        if not parts:
            return Cel("''", "text")
        return Cel(" + ".join(text_part(one) for one in parts), "text", is_single=len(parts) == 1)

    def _named(self, word: str) -> Cel | _Reference:
        if word in self._local:
            return Cel(word, is_path=True)
        if word in ("true", "false"):
            return Cel(word, "truth")
        if word in ("null", "undefined"):
            return Cel("null", "null")
        if word in PLAIN:
            return PLAIN[word]
        if word == "$json":
            return _Reference(None)
        if word == "$input":
            return _Reference(None, is_whole=True)
        if word in ("$", "$node", "$items"):
            self._require("[" if word == "$node" else "(")
            name = self._next()
            self._require("]" if word == "$node" else ")")
            if name[0] != "text":
                raise Untranslatable
            if word == "$items":
                return Cel(self._names.items(_unquoted(name[1])), "items")
            return _Reference(_unquoted(name[1]), is_whole=True)
        return self._called(word)

    def _called(self, word: str) -> Cel:
        """Return a function of JavaScript that is called, such as Number(x) or Math.round(x)."""
        name = word
        if word == "new" and self._next() == ("name", "Date"):
            self._require("(")
            self._require(")")
            return Cel(NOW, "time")
        if word in ("Math", "JSON", "DateTime", "Date", "$execution", "$workflow", "$vars", "$env"):
            self._require(".")
            name = f"{word}.{self._next()[1]}"
        if name in PLAIN:
            return PLAIN[name]
        if word in ("$vars", "$env") and SIMPLE.match(name.split(".")[1]):
            return Cel(f"env.{name.split('.')[1]}", "text", is_path=True)
        function = FUNCTIONS.get(name)
        if function is None:
            raise Untranslatable
        self._require("(")
        return function(self._listed(")"))

    def _member(self, found: Cel | _Reference) -> Cel:
        while True:
            if self._take(".") or self._take("?."):
                kind, name = self._next()
                if kind != "name":
                    raise Untranslatable
                found = self._call(found, name) if self._take("(") else self._field(found, name)
            elif self._take("["):
                kind, word = self._next()
                self._require("]")
                if kind not in ("text", "number"):
                    raise Untranslatable
                if kind == "number" and not _is_count(word):
                    raise Untranslatable
                found = self._field(found, _unquoted(word) if kind == "text" else int(word))
            else:
                return self._value(found)

    def _value(self, found: Cel | _Reference) -> Cel:
        if isinstance(found, Cel):
            if found.kind == "items":
                raise Untranslatable  # each is {json: …} in n8n, with other names
            return found
        if found.is_whole:
            raise Untranslatable
        return Cel(self._names.item(found.node, found.path), is_path=True)

    def _field(self, found: Cel | _Reference, name: str | int) -> Cel | _Reference:
        if isinstance(found, _Reference) and found.is_whole:
            if name == "item":
                return found
            if name != "json":
                raise Untranslatable
            return _Reference(found.node, found.path)
        if name == "length":
            size_of = found if isinstance(found, Cel) and found.kind == "items" else self._value(found)
            return Cel(f"size({size_of.cel})", "number")
        if isinstance(found, _Reference):
            return _Reference(found.node, (*found.path, name))
        return Cel(self._value(found).part + step_into(name), is_path=found.is_path)

    def _call(self, found: Cel | _Reference, name: str) -> Cel | _Reference:
        if isinstance(found, _Reference) and found.is_whole:
            arguments = self._listed(")")
            if name == "all" and not arguments:
                return Cel(self._names.items(found.node), "items")
            if name != "first" or arguments or self._names.has_items(found.node):
                raise Untranslatable
            return found
        receiver = self._value(found)
        if name in EACH:
            return self._each(receiver, name)
        if name in ("plus", "minus"):
            return self._moved(receiver, "+" if name == "plus" else "-")
        method = METHODS.get(name)
        if method is None:
            raise Untranslatable
        return method(receiver, self._listed(")"))

    def _moved(self, receiver: Cel, sign: str) -> Cel:
        """Return a time that is moved by `{ days: 7 }` or `7, 'days'`; months and years differ in length."""
        is_object = self._take("{")
        first = self._next()
        self._require(":" if is_object else ",")
        second = self._next()
        unit, number = (first, second) if is_object else (second, first)
        if is_object:
            self._require("}")
        self._require(")")
        seconds = _UNITS.get(unit[1].strip("'\"").removesuffix("s"))
        if seconds is None or not _is_count(number[1]):
            raise Untranslatable
        return Cel(f"{time_part(receiver)} {sign} duration('{int(number[1]) * seconds}s')", "time", is_single=False)

    def _each(self, receiver: Cel, name: str) -> Cel:
        """Return a list's method that takes an arrow function."""
        is_bracketed = self._take("(")
        kind, local = self._next()
        if kind != "name" or loop_name_fault(local):
            raise Untranslatable
        if is_bracketed:
            self._require(")")
        self._require("=>")
        known, self._local = self._local, (*self._local, local)
        body = self._expression()
        self._local = known
        self._require(")")
        macro, kind = EACH[name]
        shown = body if macro == "map" else truth_of(body)
        return Cel(f"{receiver.part}.{macro}({local}, {shown.cel})", kind)
