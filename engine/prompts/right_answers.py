"""What the cases of a prompt expect of exactly these variables: a person has said what is right about them."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject, alike_text
from engine.plugins.step import JsonValue
from engine.prompts.cases import CaseStore

_EQUALS = "field_equals"


class RightAnswer(Struct, frozen=True):
    """What a case expects."""

    case: str
    """The name of its file."""
    values: Mapping[str, JsonValue]
    """The right values by field."""


class RightAnswers:
    """Finds them by the variables; reads the cases of a prompt again once one of their files changes. Any thread."""

    def __init__(self, cases: CaseStore) -> None:
        self._cases = cases
        self._known: dict[str, tuple[Sequence[object], Mapping[str, RightAnswer]]] = {}
        self._lock = threading.Lock()

    def about(self, prompt: str, variables: JsonObject) -> RightAnswer | None:
        """Return what the case of a prompt with these variables expects of fields; None without such a case."""
        if not variables:
            return None
        stamp = self._stamp(prompt)
        if not stamp:
            return None
        with self._lock:
            known, answers = self._known.get(prompt, ((), {}))
        if known != stamp:
            try:
                answers = self._read(prompt)
            except OrchestraError:  # not remembered: the files may be read the next time
                return None
            with self._lock:
                self._known[prompt] = stamp, answers
        return answers.get(alike_text(variables))

    def _stamp(self, prompt: str) -> Sequence[object]:
        with suppress(OSError, OrchestraError), os.scandir(self._cases.folder(prompt)) as files:
            return sorted(fact for one in files if (fact := _fact(one)) is not None)
        return ()

    def _read(self, prompt: str) -> Mapping[str, RightAnswer]:
        found: dict[str, RightAnswer] = {}
        for one in self._cases.list(prompt):
            if one.problems:
                continue
            document = one.document or {}
            variables = document.get("variables")
            expected = [each for each in document.get("assertions") or () if each.get("type") == _EQUALS]
            if variables and expected:
                values = {str(each["field"]): each["value"] for each in expected}
                found.setdefault(alike_text(variables), RightAnswer(one.case, values))
        return found


def _fact(one: os.DirEntry[str]) -> tuple[str, int, int] | None:
    """Return what changes with a file; of a link its own, as it may lead nowhere. None if it is gone meanwhile."""
    with suppress(FileNotFoundError):
        facts = one.stat(follow_symlinks=False)
        return one.name, facts.st_mtime_ns, facts.st_size
    return None
