"""The body of a request as JSON that can be written again unchanged, or why it is not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from engine.base.errors import InvalidFile
from engine.base.problem import Problem
from engine.documents.json_file import LARGEST_BYTES, decoded, parse
from engine.documents.json_reader import REMEDIES

_BODY = "body"


class NotJson(json.JSONDecodeError):  # which FastAPI turns into a RequestValidationError
    """The body is not JSON that can be kept; `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message, "", 0)
        self.problem = problem


def strict_value(body: bytes) -> Any:
    """Return the value of a body. Raises ValueError, RecursionError; `problem_of` says why."""
    value = json.loads(body, parse_constant=_refuse_constant, object_pairs_hook=_with_each_key_once)
    json.dumps(value, ensure_ascii=False).encode()  # raises UnicodeEncodeError for a lone surrogate
    return value


def problem_of(body: bytes, error: Exception) -> Problem:
    """Return why a body cannot be kept, as for a file; for a body that would take seconds, what `json` says."""
    if len(body) <= LARGEST_BYTES:
        try:
            parse(decoded(body, _BODY), _BODY)
        except InvalidFile as found:
            return found.problems[0]
    if isinstance(error, json.JSONDecodeError):
        return Problem(f"{error.msg}.", "syntax", line=error.lineno, column=error.colno, remedy=REMEDIES["syntax"])
    return Problem("This is not JSON that can be kept.", "syntax")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _with_each_key_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A key is there twice in one object")
    return found
