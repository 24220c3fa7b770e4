"""A step that runs code, when a person asks about it: where the code of an answer belongs."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.base.errors import OrchestraError
from engine.workflows.editing.steps_in_text import read

_TYPE = "code.run"
CODE_FIELD = "with.code"
_NAMES = {"py": "python", "python3": "python", "js": "javascript", "node": "javascript", "sh": "shell", "bash": "shell"}


class CodeStep(Struct, frozen=True):
    """A step that runs code."""

    step: str
    language: str

    def speaks(self, language: str) -> bool:
        """Return whether code that is marked with this language, or with no language, may be for this step."""
        marked = language.lower()
        return _NAMES.get(marked, marked) in ("", _NAMES.get(self.language, self.language))


def code_step(text: str, selection: Sequence[str]) -> CodeStep | None:
    """Return the only selected step, if it runs code; None if it does not, or the text cannot be read."""
    if len(selection) != 1:
        return None
    try:
        step = read(text, "").node(selection[0]).step
    except OrchestraError:
        return None
    is_code = step.uses == _TYPE
    return CodeStep(selection[0], str(step.arguments.get("language") or "python")) if is_code else None
