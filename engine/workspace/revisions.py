"""The revisions of an unsaved text: what has changed it, what can be undone, and what the text was before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from engine.documents.json_splice import Splice, inverse, spliced

MOST = 400
"""Revisions that are kept: 200 changes and their undos."""
MOST_CHARACTERS = 400_000
"""How long all splices may be together; older revisions are forgotten first, and can then not be undone."""


class Revision(Struct, frozen=True):
    """One change of an unsaved text; `rev` is the etag of the text after it."""

    rev: str
    kind: Literal["change", "undo", "redo"]
    words: str
    """What was done: `set with.title of issue`."""
    splices: tuple[Splice, ...]
    op_id: str = ""
    """The client's name of the request, by which a repeated one is recognized."""
    asked: str = ""
    """The digest of what the request asked for."""
    base: str = ""
    """The etag of the text before it."""
    renames: tuple[tuple[str, str], ...] = ()
    """The steps that got another id: (old, new)."""

    @property
    def size(self) -> int:
        """The characters of its splices."""
        return sum(len(one.removed) + len(one.inserted) for one in self.splices)


def revision_of(kept: Mapping[str, Any]) -> Revision:
    """Return a stored revision."""
    splices, renames = (tuple(map(tuple, kept[key])) for key in ("splices", "renames"))
    return Revision(**{**kept, "splices": tuple(Splice(*one) for one in splices), "renames": renames})


def stored(revision: Revision) -> dict[str, Any]:
    """Return the form in which a revision is stored."""
    return {
        "rev": revision.rev,
        "kind": revision.kind,
        "words": revision.words,
        "splices": [[one.start, one.removed, one.inserted] for one in revision.splices],
        "op_id": revision.op_id,
        "asked": revision.asked,
        "base": revision.base,
        "renames": revision.renames,
    }


def bounded(revisions: Sequence[Revision]) -> tuple[Revision, ...]:
    """Return the last revisions, as many as are kept; the last one always is."""
    kept: list[Revision] = []
    size = 0
    for one in reversed(revisions[-MOST:]):
        size += one.size
        if kept and size > MOST_CHARACTERS:
            break
        kept.append(one)
    return tuple(reversed(kept))


def to_undo(revisions: Sequence[Revision]) -> Revision | None:
    """Return the last change that has not been undone, if any."""
    undone = 0
    for one in reversed(revisions):
        if one.kind == "undo":
            undone += 1
        elif undone:
            undone -= 1
        else:
            return one
    return None


def to_redo(revisions: Sequence[Revision]) -> Revision | None:
    """Return the undo that a redo would revert, None if the last change is not an undo."""
    redone = 0
    for one in reversed(revisions):
        if one.kind == "redo":
            redone += 1
        elif one.kind == "change":
            return None
        elif redone:
            redone -= 1
        else:
            return one
    return None


def back_to(text: str, revisions: Sequence[Revision], rev: str) -> Iterator[tuple[Revision, str]]:
    """Yield each revision after `rev` with the text before it, newest first.

    Raises KeyError if no revision kept leads back to that text.
    """
    if not revisions or (rev not in {one.rev for one in revisions} | {one.base for one in revisions}):
        raise KeyError(rev)
    for one in reversed(revisions):
        if one.rev == rev:
            return
        text = spliced(text, inverse(one.splices))
        yield one, text
        if one.base == rev:
            return
