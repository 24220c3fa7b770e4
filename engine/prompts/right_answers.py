"""What people have said in cases of a prompt: what is right about exactly these variables, and examples for others."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject, alike_text
from engine.plugins.step import JsonValue
from engine.prompts.cases import Case, CaseStore
from engine.prompts.examples import Examples, right_values


class RightAnswer(Struct, frozen=True):
    """What a case expects."""

    case: str
    """The name of its file."""
    values: Mapping[str, JsonValue]
    """The right values by field."""


class _Cases(Struct, frozen=True):
    """The cases of a prompt, as they were read."""

    stamp: Sequence[object]
    answers: Mapping[str, RightAnswer]
    """By the text of their variables."""
    examples: Examples


_NONE = _Cases((), {}, Examples(()))


class RightAnswers:
    """Reads the cases of a prompt again once one of their files changes. Any thread."""

    def __init__(self, cases: CaseStore) -> None:
        self._cases = cases
        self._known: dict[str, _Cases] = {}
        self._lock = threading.Lock()

    def about(self, prompt: str, variables: JsonObject) -> RightAnswer | None:
        """Return what the case of a prompt with these variables expects of fields; None without such a case."""
        return self._of(prompt).answers.get(alike_text(variables)) if variables else None

    def examples(self, prompt: str) -> Examples:
        """Return the cases of a prompt that may be examples; none if they cannot be read."""
        return self._of(prompt).examples

    def _of(self, prompt: str) -> _Cases:
        stamp = self._stamp(prompt)
        if not stamp:
            return _NONE
        with self._lock:
            known = self._known.get(prompt, _NONE)
        if known.stamp != stamp:
            try:
                cases = self._cases.list(prompt)
            except OrchestraError:  # not remembered: the files may be read the next time
                return _NONE
            known = _Cases(stamp, _answers(cases), Examples(cases))
            with self._lock:
                self._known[prompt] = known
        return known

    def _stamp(self, prompt: str) -> Sequence[object]:
        with suppress(OSError, OrchestraError), os.scandir(self._cases.folder(prompt)) as files:
            return sorted(fact for one in files if (fact := _fact(one)) is not None)
        return ()


def _answers(cases: Iterable[Case]) -> Mapping[str, RightAnswer]:
    found: dict[str, RightAnswer] = {}
    for one in cases:
        document = one.document or {}
        variables = document.get("variables")
        values = {} if one.problems else right_values(document)
        if variables and values:
            found.setdefault(alike_text(variables), RightAnswer(one.case, values))
    return found


def _fact(one: os.DirEntry[str]) -> tuple[str, int, int] | None:
    """Return what changes with a file; of a link its own, as it may lead nowhere. None if it is gone meanwhile."""
    with suppress(FileNotFoundError):
        facts = one.stat(follow_symlinks=False)
        return one.name, facts.st_mtime_ns, facts.st_size
    return None
