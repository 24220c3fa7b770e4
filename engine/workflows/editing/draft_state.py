"""The text of a workflow that a person edits, and what has changed in it since an earlier text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from engine.documents.json_splice import Splice, difference
from engine.workspace.revisions import Revision, back_to


@dataclass(frozen=True)
class DraftState:
    """The state of the text that a person edits: their draft, or the file if they have no draft."""

    rev: str
    """The etag of the text."""
    etag: str
    """The etag of the file that the text is based on."""
    saved_etag: str
    """The etag of the file now, "" if it was deleted. It differs from `etag` if the file has changed since."""
    is_draft: bool
    can_undo: bool
    can_redo: bool


class DraftText(Struct, frozen=True):
    """The text that a person edits, with its state and its revisions."""

    state: DraftState
    text: str
    revisions: Sequence[Revision]

    def changes_since(self, rev: str, text: str | None = None) -> tuple[list[Splice], list[str]] | None:
        """Return the splices that turn an earlier text into this one, and a description of each change.

        `rev` is the etag of the earlier text, `text` the text itself, if known. None if the changes are unknown.
        """
        if rev == self.state.rev:
            return [], []
        try:
            newest_first = [one for one, _ in back_to(self.text, self.revisions, rev)]
        except KeyError:
            return None if text is None else (list(difference(text, self.text)), [])
        done = newest_first[::-1]
        return [splice for one in done for splice in one.splices], [one.words for one in done]
