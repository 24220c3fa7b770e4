"""Recognise a file in which Git has left a conflict."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.base.problem import Problem

# https://git-scm.com/docs/git-merge#_how_conflicts_are_presented
_LINES = [re.compile(rf"^{sign}{{7}}(?: .*)?\r?$", re.MULTILINE) for sign in "<=>"]
_REMEDY = "Keep one of the two sides, and delete the lines that begin with <<<<<<<, ======= and >>>>>>>."


def conflict_or(problems: Sequence[Problem], text: str, file: str) -> Sequence[Problem]:
    """Return the conflict in a text that cannot be read, or else what is wrong with it."""
    begin = end = -1
    for one in _LINES:  # one search after the other: all in one pattern would take the square of the time
        found = one.search(text, end + 1)
        if found is None:
            return problems
        begin, end = found.start() if begin < 0 else begin, found.end()
    line = text.count("\n", 0, begin) + 1
    return [Problem("Git has left a conflict here.", "syntax", file=file, line=line, column=1, remedy=_REMEDY)]
