"""Recorded answers to cases, in `prompts/PROMPT.cases/answers/`: an unchanged case is not asked again."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from clients.secrets import known
from engine.base.errors import OrchestraError
from engine.base.json_text import compact, indented
from engine.base.names import child
from engine.documents.json_file import read_text
from engine.files.atomic import make_folder, write_whole
from engine.prompts.talk import ModelAnswer
from engine.record.types.step import UsageRecord


class RecordedAnswer(TypedDict):
    """An answer, and what it used."""

    asked: str
    """The model that was asked."""
    model: str
    """The model that answered."""
    text: str
    finish_reason: str
    usage: UsageRecord
    seconds: float

    # The question is not repeated: it is what the name of the file is made from.


def answer_of(recorded: RecordedAnswer) -> ModelAnswer:
    """Return the answer as the client gave it."""
    return {
        "text": recorded["text"],
        "tool_calls": [],
        "finish_reason": recorded["finish_reason"],
        "model": recorded["model"],
    }


def key_of(**question: Any) -> str:
    """Return the name of the answer to a question: the same for equal questions only."""
    return hashlib.sha256(compact(dict(sorted(question.items()))).encode()).hexdigest()[:32]


class _Usage(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    cost_usd: float | None = Field(ge=0)


class _Form(BaseModel):
    """An answer file."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    asked: str
    model: str
    text: str
    finish_reason: str
    usage: _Usage
    seconds: float = Field(ge=0)


class RecordedAnswers:
    """The recorded answers of one prompt; any thread. A link is refused: it could show or replace any file."""

    def __init__(self, cases: Path) -> None:
        self._cases = cases

    def get(self, key: str) -> RecordedAnswer | None:
        """Return the answer, None if no file of the right form has it. Raises InvalidInput for a link."""
        path = self.path(key)
        with suppress(OrchestraError, ValueError, RecursionError):  # a ValidationError is a ValueError
            form = _Form.model_validate(json.loads(read_text(path, path.name)))
            recorded: Any = form.model_dump()
            found: RecordedAnswer = recorded
            return found
        return None

    def put(self, key: str, recorded: RecordedAnswer) -> None:
        """Keep an answer. Raises InvalidInput for a link, StorageError."""
        path = self.path(key)
        make_folder(self._cases)
        make_folder(path.parent)
        write_whole(path, indented(known.in_json(recorded)))

    def path(self, key: str) -> Path:
        """Return the path of an answer, whether it exists or not. Raises InvalidInput for a link."""
        return child(child(child(self._cases.parent, self._cases.name), "answers"), f"{key}.json")


class SharedAnswers:
    """The answers that one test uses: recorded ones, and new ones, each asked of a model once."""

    def __init__(self, recorded: RecordedAnswers, *, is_fresh: bool) -> None:
        """`is_fresh`: what was recorded before the test is not used."""
        self._recorded, self._is_fresh = recorded, is_fresh
        self._coming: dict[tuple[str, str | None], Future[RecordedAnswer]] = {}
        self._lock = threading.Lock()

    def get(self, key: str, model: str | None, ask: Callable[[], RecordedAnswer]) -> tuple[RecordedAnswer, bool]:
        """Return the answer of `model` (None: of any) to the question `key`, and whether it was not asked now.

        Waits for another thread that asks the same. Raises what `ask` raises, and StorageError.
        """
        with self._lock:
            known = self._coming.get((key, model))
            coming = self._coming.setdefault((key, model), Future())
        if known is not None:
            return known.result(), True
        try:
            found, is_reused = self._found(key, model, ask)
        except BaseException as error:  # also a cancellation: other threads may wait for this answer
            coming.set_exception(error)
            raise
        coming.set_result(found)
        return found, is_reused

    def damaged(self, key: str) -> str:
        """Return the name of an answer's file that exists and does not have its form; "" otherwise."""
        path = self._recorded.path(key)
        there = path.exists() and self._recorded.get(key) is None
        return "/".join(path.parts[-4:]) if there else ""

    def _found(self, key: str, model: str | None, ask: Callable[[], RecordedAnswer]) -> tuple[RecordedAnswer, bool]:
        before = self._recorded.get(key)  # refuses a link before anything is asked
        recorded = None if self._is_fresh else before
        if recorded is not None and model in (None, recorded["asked"]):
            return recorded, True
        fresh = ask()
        self._recorded.put(key, fresh)
        return fresh, False
