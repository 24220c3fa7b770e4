"""What somebody is told of a called workflow whose `access` hides it from them: its name, and that it has changed.

`sees` returns whether they may see the workflow of a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from engine.record.differences import ABSENT, Difference

Sees = Callable[[str], bool]
Run = TypeVar("Run", bound=Mapping[str, Any])

_BELOW = re.compile(r"workflows\.(?P<name>[^\s.\[\]\"']+)")
_QUOTING = re.compile(
    r"(?:The workflow '(?P<called>[\w@:-]+)' has \d+ problems?"
    r"|workflows/(?P<file>[\w@-]+)\.json has \d+ problems?"
    r"|(?P<other>[\w@-]+) (?:in [\w-]+ would no longer run|would no longer run in '[\w-]+')): "
)
"""What stands before a problem of a workflow that a message is not about itself."""


def shown_run(run: Run, sees: Sees) -> Run:
    """Return the document of a run without the definitions of hidden workflows that its own one calls."""
    inner = run["definition"].get("workflows")
    if not inner or all(map(sees, inner)):
        return run
    shown = {name: one for name, one in inner.items() if sees(name)}
    return {**run, "definition": {**run["definition"], "workflows": shown}}  # type: ignore[return-value]


def shown_changes(found: Iterable[Difference], sees: Sees) -> Iterator[Difference]:
    """Yield changes of a definition; of each hidden workflow one without values, whatever has changed in it."""
    told: set[str] = set()
    for one in found:
        place = hidden_place(one.field, sees)
        if place is None:
            yield one
        elif place not in told:
            told.add(place)
            yield Difference(place, ABSENT, ABSENT)


def hidden_place(field: str, sees: Sees) -> str | None:
    """Return `workflows.NAME` for a place in the definition of a hidden workflow, None for any other."""
    found = _BELOW.match(field)
    return None if found is None or sees(found["name"]) else found[0]


def shown_text(text: str, sees: Sees) -> str:
    """Return a message up to where it quotes the problems of a hidden workflow."""
    for found in _QUOTING.finditer(text):
        if not sees(found["called"] or found["file"] or found["other"]):
            return f"{text[: found.end()].removesuffix(': ')}."
    return text
