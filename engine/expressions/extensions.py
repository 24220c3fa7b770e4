"""The CEL extensions that every expression can use, and our own functions."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from engine.base import expression_limits as limits
from engine.base.errors import ExpressionError
from engine.expressions.evaluable import IN_ORDER, PART_OF_TEXT, keys_in_order
from engine.expressions.function_table import (
    BY_NAME,
    FUNCTIONS,
    Function,
    packaged_functions,
    part_of_text,
    unpacked,
)
from engine.expressions.functions.lists import ARRANGE, arranged
from engine.expressions.functions.refused import RefusedValue
from engine.expressions.json_values import as_json
from engine.expressions.syntax import ARRANGED


def extensions() -> list[Any]:
    """Return the CEL extensions available to every expression: strings, math, optionals, our own functions, and
    the functions of installed packages.
    """
    return _extensions(packaged_functions())


def is_known(name: str) -> bool:
    """Return whether expressions have a function or a macro of this name, a method too, or a word of the language."""
    from cel_expr_python import cel

    if name in BY_NAME or name in _WORDS or any(name in one.called.split(".") for one in FUNCTIONS):
        return True
    language = cel.NewEnv(extensions=_extensions(()))
    return any(_compiles(language, call, name) for call in (f"{name}()", f"dyn(0).{name}()"))


def _compiles(language: Any, call: str, name: str) -> bool:
    """Return whether the language knows the function of a call, even if not with these arguments."""
    try:
        language.compile(call)
    except Exception as error:  # noqa: BLE001 - its errors have no class of their own
        return f"undeclared reference to '{name}'" not in str(error)
    return True


_WORDS = frozenset(
    "as break const continue else false for function if import in let loop namespace null package return true var void"
    " while bytes dyn list null_type optional uint or not_strictly_false".split()
)
"""Reserved (https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax), and types."""


@cache
def _extensions(added: tuple[Function, ...]) -> list[Any]:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_math, ext_optional, ext_strings

    _make_none_immortal()
    own = [_declared(cel, one.name, one.implementation) for one in (*FUNCTIONS, *added) if one.implementation]
    own += [_typed(cel, one) for one in FUNCTIONS if one.overloads]
    own += [_part_of_text(cel), _keys_in_order(cel), *_arranged(cel)]
    return [
        ext_strings.ExtStrings(),
        ext_math.ExtMath(),
        ext_optional.ExtOptional(),
        cel.CelExtension("orchestra", own),
    ]


def _make_none_immortal() -> None:
    """Give None so many references that it never runs out of them, as Python does from 3.12 on (PEP 683).

    cel-expr-python 0.1.3 gives back a None for each null that it converts without having taken a reference, so that
    Python 3.11 ends with "deallocating None" after some tens of thousands of nulls.
    """
    if sys.version_info < (3, 12):
        ctypes.c_ssize_t.from_address(id(None)).value += 1 << 40


def _part_of_text(cel: Any) -> Any:
    """Declare our `substring`: cel-expr-python 0.1.3 fails where it ends with the text, so also with size(x)."""
    overload = cel.Overload(
        id="substring_between",
        return_type=cel.Type.STRING,
        parameters=[cel.Type.STRING, cel.Type.INT, cel.Type.INT],
        is_member=True,
        impl=part_of_text,
    )
    return cel.FunctionDecl(PART_OF_TEXT, [overload])


def _keys_in_order(cel: Any) -> Any:
    overload = cel.Overload(
        id="keys_in_order",
        return_type=cel.Type.List(cel.Type.DYN),
        parameters=[cel.Type.Map(cel.Type.DYN, cel.Type.DYN), cel.Type.INT],
        impl=keys_in_order,
    )
    return cel.FunctionDecl(IN_ORDER, [overload])


def _declared(cel: Any, name: str, implementation: Callable[[Any], str]) -> Any:
    """Declare a function of a value of any type, which CEL can only take in a list of one."""

    def of_box(box: list[Any]) -> str:
        return implementation(box[0])

    parameters = [cel.Type.List(cel.Type.DYN)]
    overload = cel.Overload(id=f"{name}_of", return_type=cel.Type.STRING, parameters=parameters, impl=of_box)
    return cel.FunctionDecl(name, [overload])


def _typed(cel: Any, function: Function) -> Any:
    """Declare a function of ours, to be called with all arguments or as a method of the first."""
    kinds = {
        "text": cel.Type.STRING,
        "int": cel.Type.INT,
        "double": cel.Type.DOUBLE,
        "time": cel.Type.TIMESTAMP,
        "list": cel.Type.List(cel.Type.DYN),
        "texts": cel.Type.List(cel.Type.STRING),
        "any": cel.Type.DYN,
    }
    overloads = [
        cel.Overload(
            id=f"{function.name}_{'_'.join(one.parameters)}{'_of' * is_member}".replace(".", "_"),
            return_type=kinds[one.result],
            parameters=[kinds[parameter] for parameter in one.parameters],
            is_member=is_member,
            impl=_guarded(one.implementation),
        )
        for one in function.overloads
        for is_member in ((False,) if "." in function.name else (False, True))
    ]
    return cel.FunctionDecl(function.called, overloads)


def _guarded(implementation: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes plain values, and whose result is one that CEL can hold whole."""

    def called(*arguments: Any) -> Any:
        result = implementation(*map(unpacked, arguments))
        try:
            limits.require_whole(result)
            if isinstance(result, dict | list | int):
                as_json(result)
        except ExpressionError as error:
            raise RefusedValue(error.message, error.remedy) from None
        return result

    return called


def _arranged(cel: Any) -> list[Any]:
    """Declare what our macros are while they are checked, and when they are evaluated."""
    items = cel.Type.List(cel.Type.DYN)
    mark = cel.Overload(
        id="arranged",
        return_type=cel.Type.BOOL,
        parameters=[cel.Type.STRING, items],
        impl=lambda _name, _arguments: True,
    )
    arrange = cel.Overload(
        id="arrange", return_type=items, parameters=[cel.Type.STRING, items, items], impl=_guarded(arranged)
    )
    return [cel.FunctionDecl(ARRANGED, [mark]), cel.FunctionDecl(ARRANGE, [arrange])]
