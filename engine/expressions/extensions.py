"""The CEL extensions that every expression can use, and our own functions."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from engine.expressions.evaluable import IN_ORDER, PART_OF_TEXT, keys_in_order
from engine.expressions.function_table import FUNCTIONS, part_of_text


@cache
def extensions() -> list[Any]:
    """Return the CEL extensions available to every expression: strings, math, optionals and our own functions."""
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_math, ext_optional, ext_strings

    _make_none_immortal()
    own = [_declared(cel, one.name, one.implementation) for one in FUNCTIONS if one.implementation is not None]
    own += [_part_of_text(cel), _keys_in_order(cel)]
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
