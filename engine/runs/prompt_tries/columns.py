"""A column of a comparison: a text of a prompt, and the model that is asked with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from engine.base.errors import InvalidInput, OrchestraError
from engine.prompts.prompt import DEFAULT_LABEL
from engine.workspace.version_labels import POINTER

DRAFT = "draft"
"""How the draft is written. A label of the same name is reached by the number of its version."""
_NUMBER = re.compile(r"[1-9][0-9]{0,8}\Z")
_REMEDY = "Write it like production, 7, draft:MODEL or staging:MODEL@CONNECTION."


class TriedColumn(Struct, frozen=True):
    """A text and a model."""

    version: str = DEFAULT_LABEL
    """A label, or the number of a version; without a text."""
    text: str | None = None
    """The text of the prompt, saved or not, instead of a version."""
    is_draft: bool = False
    """Whether to use the saved draft, instead of a version."""
    connection: str = ""
    """Empty: that of the step whose values are used, else the only one of a model."""
    model: str = ""
    """Empty: the step's, else the prompt's, else the connection's."""
    text_name: str = "given text"
    """What `text` is called in the title."""

    @property
    def title(self) -> str:
        """Return e.g. "version 7 · gpt-4o"."""
        return " · ".join(filter(None, (self._text_words(), self.model, self.connection)))

    @property
    def written(self) -> str:
        """Return the text that `parsed` reads; a given text cannot be written."""
        text = DRAFT if self.is_draft else self.version
        model = f":{self.model}" if self.model else ""
        return text + model + (f"@{self.connection}" if self.connection or "@" in self.model else "")

    def _text_words(self) -> str:
        if self.text is not None:
            return self.text_name
        if self.is_draft:
            return "draft"
        return f"version {self.version}" if _NUMBER.match(self.version) else self.version


def parsed(written: str) -> TriedColumn:
    """Return the column that `LABEL_OR_NUMBER_OR_draft[:MODEL][@CONNECTION]` means. Raises InvalidInput.

    The model begins after the first ":" and ends before the last "@"; one that has an "@" itself is followed by
    another: `7:model@date@`.
    """
    before, _, behind = written.rpartition("@")
    rest, connection = (before, behind) if before else (behind, "")
    version, colon, model = rest.partition(":")
    if not (_NUMBER.match(version) or POINTER.match(version)):
        raise InvalidInput(f"The column {written!r} does not begin with a label, a number or draft.", remedy=_REMEDY)
    if colon and not model.strip():
        raise InvalidInput(f"The column {written!r} has no model after ':'.", remedy=_REMEDY)
    if version == DRAFT:
        return TriedColumn(is_draft=True, connection=connection.strip(), model=model.strip())
    return TriedColumn(version, connection=connection.strip(), model=model.strip())


@contextmanager
def in_column(number: int, title: str) -> Iterator[None]:
    """Name the column in the message of an error; `number`: from 1, 0 if there is only one column."""
    try:
        yield
    except OrchestraError as error:
        if number:
            error.message = f"Column {number} ({title}): {error.message}"
            error.args = (error.message,)
        raise
