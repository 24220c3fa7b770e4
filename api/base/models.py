"""Models of answers that show a record of the engine as it is."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import cache, reduce
from inspect import cleandoc, getsource
from itertools import pairwise
from operator import or_
from types import GenericAlias, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from msgspec import Struct
from pydantic import BaseModel, Field, create_model

from api.base.kept_names import known_as

Model = TypeVar("Model", bound=BaseModel)
_OURS = ("engine.", "clients.")


def model_of(record: type) -> Callable[[type[Model]], type[Model]]:
    """Give a model the members of a record, all required, each with what the docstring below it says.

    A member that the model has itself stays as it is there: its type is another, or it is a model, too.
    """

    def made(model: type[Model]) -> type[Model]:
        own, hints, said = model.model_fields, get_type_hints(record), _said(record.__module__, record.__qualname__)
        members: dict[str, Any] = {
            name: (own[name].annotation, own[name]) if name in own else (kind, Field(description=said.get(name)))
            for name, kind in hints.items()
        }
        found = create_model(model.__name__, __doc__=model.__doc__, __module__=model.__module__, **members)
        return cast("type[Model]", found)

    return made


@cache
def model_for(kind: Any) -> Any:
    """Return the model of a record of the engine, all its members required; any other type with these in it.

    A record that says itself how pydantic reads it (`__pydantic_config__`) stays as it is.
    """
    if _is_record(kind):
        said: dict[str, str] = {}
        for each in reversed(kind.__mro__):
            said |= _said(each.__module__, each.__qualname__) if each.__module__.startswith(_OURS) else {}
        members: dict[str, Any] = {
            name: (model_for(inner), Field(description=said.get(name)))
            for name, inner in get_type_hints(kind, include_extras=True).items()
        }
        return create_model(known_as(kind.__name__), __doc__=cleandoc(kind.__doc__ or ""), **members)
    inner = tuple(map(model_for, get_args(kind)))
    if inner == get_args(kind) or get_origin(kind) is Literal:
        return kind
    return reduce(or_, inner) if get_origin(kind) in (UnionType, Union) else get_origin(kind)[inner]


def _is_record(kind: Any) -> bool:
    is_class = isinstance(kind, type) and not isinstance(kind, GenericAlias)
    is_ours = is_class and not hasattr(kind, "__pydantic_config__")
    return is_ours and (is_dataclass(kind) or issubclass(kind, Struct))


def _said(module: str, record: str) -> dict[str, str]:
    """Return the docstrings of the members of a record; none where there are no sources."""
    found = next((one for one in _classes(module) if one.name == record), None)
    members = pairwise(found.body) if found is not None else ()
    return {
        one.target.id: " ".join(str(text.value.value).split())
        for one, text in members
        if isinstance(one, ast.AnnAssign)
        and isinstance(one.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


@cache
def _classes(module: str) -> list[ast.ClassDef]:
    try:
        tree = ast.parse(getsource(sys.modules[module]))
    except OSError:
        return []
    return [one for one in tree.body if isinstance(one, ast.ClassDef)]
