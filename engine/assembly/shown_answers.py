"""What an operation returns or raises, without what it says of called workflows that are hidden from the reader."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct, structs

from engine.base.errors import InvalidFile, OrchestraError
from engine.base.problem import Problem
from engine.compiler.definition.plan import Plan
from engine.record.hidden_callees import Sees, shown_run, shown_text

Error = TypeVar("Error", bound=OrchestraError)


def shown_answer(found: Any, sees: Sees) -> Any:
    """Return an answer with documents of runs, problems and errors as the reader may see them; else the same object."""
    if isinstance(found, Mapping):
        if "definition" in found:
            return shown_run(found, sees)
        return _changed(found, {name: shown_answer(one, sees) for name, one in found.items()})
    if isinstance(found, list | tuple):
        return _same_or(found, [shown_answer(one, sees) for one in found])
    if isinstance(found, OrchestraError):
        return shown_error(found, sees)
    if isinstance(found, Problem):
        message = shown_text(found.message, sees)
        return found if message == found.message else dataclasses.replace(found, message=message)
    return _shown_record(found, sees)


def shown_error(error: Error, sees: Sees) -> Error:
    """Return an error without the problems of hidden workflows that it quotes; it may be kept, so it stays as it is."""
    message = shown_text(error.message, sees)
    problems = shown_answer(error.problems, sees) if isinstance(error, InvalidFile) else []
    if message == error.message and (not problems or problems is getattr(error, "problems", None)):
        return error
    shown = type(error).__new__(type(error), message)
    shown.__dict__.update(error.__dict__, message=message)
    shown.args = (message,)
    if isinstance(shown, InvalidFile):
        shown.problems = problems
    return shown


def _shown_record(found: Any, sees: Sees) -> Any:
    if isinstance(found, Plan | type):
        return found
    if isinstance(found, Struct):
        before = {name: getattr(found, name) for name in found.__struct_fields__}
    elif dataclasses.is_dataclass(found):
        before = {one.name: getattr(found, one.name) for one in dataclasses.fields(found) if one.init}
    else:
        return found
    shown = {name: _shown_part(name, one, sees) for name, one in before.items()}
    changed = {name: one for name, one in shown.items() if one is not before[name]}
    if not changed:
        return found
    return structs.replace(found, **changed) if isinstance(found, Struct) else dataclasses.replace(found, **changed)


def _shown_part(name: str, found: Any, sees: Sees) -> Any:
    """Return a member of a record; a text, or each of several, may quote problems, unless it is the one of a file."""
    if isinstance(found, str):
        return found if name == "text" else shown_text(found, sees)
    if isinstance(found, list | tuple):
        return _same_or(found, [_shown_part(name, one, sees) for one in found])
    return shown_answer(found, sees)


def _same_or(before: Any, shown: list[Any]) -> Any:
    """Return a list or tuple, of the same type, with other members, or itself if they are the same."""
    if all(one is other for one, other in zip(shown, before, strict=True)):
        return before
    return type(before)._make(shown) if hasattr(before, "_fields") else type(before)(shown)


def _changed(before: Mapping[Any, Any], shown: dict[Any, Any]) -> Mapping[Any, Any]:
    return before if all(one is before[name] for name, one in shown.items()) else shown
