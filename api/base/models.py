"""Models of answers that show a record of the engine as it is."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from functools import cache
from inspect import getsource
from itertools import pairwise
from typing import Any, TypeVar, cast, get_type_hints

from pydantic import BaseModel, Field, create_model

Model = TypeVar("Model", bound=BaseModel)


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
