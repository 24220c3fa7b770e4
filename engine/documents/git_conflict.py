"""Recognise a file in which Git has left a conflict."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.base.problem import Problem

# https://git-scm.com/docs/git-merge#_how_conflicts_are_presented
_CONFLICT = re.compile(r"^<{7}(?: .*)?$(?s:.*?)^={7}\r?$(?s:.*?)^>{7}(?: .*)?$", re.MULTILINE)
_REMEDY = "Keep one of the two sides, and delete the lines that begin with <<<<<<<, ======= and >>>>>>>."


def conflict_or(problems: Sequence[Problem], text: str, file: str) -> Sequence[Problem]:
    """Return the conflict in a text that cannot be read, or else what is wrong with it."""
    found = _CONFLICT.search(text)
    if found is None:
        return problems
    line = text.count("\n", 0, found.start()) + 1
    return [Problem("Git has left a conflict here.", "syntax", file=file, line=line, column=1, remedy=_REMEDY)]
