"""The text of a workflow that a person edits, as far as the other windows of this person have to know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.documents.json_splice import Splice, difference
from engine.workspace.revisions import Revision, back_to


@dataclass(frozen=True)
class Standing:
    """The person's draft of a workflow, or else the file, and the file as it is now."""

    rev: str
    """The etag of the text."""
    etag: str
    """Of the file that the text is based on."""
    saved_etag: str
    """Of the file as it is now, "" if there is none: another one than `etag` if it was saved meanwhile."""
    is_draft: bool
    can_undo: bool
    can_redo: bool
    text: str = field(repr=False)
    revisions: Sequence[Revision] = field(default=(), repr=False, compare=False)

    def since(self, rev: str, text: str | None = None) -> tuple[list[Splice], list[str]] | None:
        """Return the splices that lead to this text from an earlier one, and what was done in words.

        `text`: the earlier one, if known. None if nothing shows what has changed.
        """
        if rev == self.rev:
            return [], []
        try:
            newest_first = [one for one, _ in back_to(self.text, self.revisions, rev)]
        except KeyError:
            return None if text is None else (list(difference(text, self.text)), [])
        done = newest_first[::-1]
        return [splice for one in done for splice in one.splices], [one.words for one in done]
