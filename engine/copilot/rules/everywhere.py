"""The same change in all workflows: one proposal for each in which it means something."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from clients.wording import counted
from engine.base.errors import OrchestraError
from engine.copilot.proposals.proposals import Proposals
from engine.copilot.proposals.records import Proposal
from engine.copilot.rules.requests import NotThere, UnderstoodRequest
from engine.documents.json_file import parse
from engine.people.access import Principal

if TYPE_CHECKING:
    from engine.workflows.editing.editing import Canvas, WorkflowEditing

_IN_ALL = re.compile(
    r",?\s*\b(?:(?:in|of|across|throughout|for) (?:all|every|each)(?: one)?(?: of)?(?: the| my| our)? workflows?|"
    r"(?:in|bei|für) (?:allen|jedem|alle)(?: meinen| unseren| unsere| meine)? (?:workflows?|abläufen?))\b",
    re.IGNORECASE,
)
MOST = 50
"""Workflows for which a change is proposed at once."""


class ChangeEverywhere(Struct, frozen=True):
    """A change of several workflows."""

    words: str
    proposals: list[Proposal]


def without_all(said: str) -> str | None:
    """Return a request without the words "in all workflows"; None if it does not have them."""
    if not _IN_ALL.search(said):
        return None
    return " ".join(_IN_ALL.sub("", said).split())


def for_all(
    p: Principal,
    names: Sequence[str],
    editing: WorkflowEditing,
    proposals: Proposals,
    meant: Callable[[Canvas], UnderstoodRequest | None],
    asked_about: str,
) -> ChangeEverywhere:
    """Propose a change for each workflow in which it means something, for the person's draft of it.

    `asked_about`: the workflow in whose conversation it was asked. A workflow that cannot be read is named. At most 50
    proposals are made.
    """
    is_outside = bool(asked_about) and proposals.has_strangers(p, asked_about)
    made: list[Proposal] = []
    unread: list[str] = []
    left = 0
    for name in names:
        try:
            canvas = editing.canvas(p, name)
            parse(canvas.text, name)
            change = meant(canvas)
            if change is None or not change.ops:
                continue
            if len(made) >= MOST:
                left += 1
                continue
            ops, words = change.ops, change.words
            made.append(proposals.make(p, name, canvas.rev, ops, words, source="rules", from_outside=is_outside))
        except NotThere:
            continue
        except OrchestraError:
            unread.append(name)
    return ChangeEverywhere(_words(made, len(names), unread, left), made)


def _words(made: Sequence[Proposal], count: int, unread: Sequence[str], left: int) -> str:
    said = [f"This changes {len(made)} of {counted(count, 'workflow')}." if made else "No workflow has this."]
    if made:
        said.append("Each has a proposal of its own, and its own points to agree to.")
    if left:
        said.append(f"{counted(left, 'more workflow')} would change: accept these, and ask again.")
    if unread:
        said.append(f"Not read: {', '.join(unread)}.")
    return " ".join(said)
