"""The messages of a workflow's socket: the state of the caller's draft, of its file and of its problems."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from anyio import to_thread

from api.base.threads import Threads
from api.sockets.hub import Hub, Subject
from api.sockets.serving import Message
from engine.base.problem import Problem
from engine.people.access import Principal
from engine.workflows.editing.draft_state import DraftState, DraftText

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

_DRAFT_SECONDS = 0.2
_FILE_SECONDS = 1.0
"""How often the file is read: a change by an editor or by git leaves no trace in the state."""
_CHECK_SECONDS = 0.25
_checking = Threads("checks of texts for sockets", 1)
"""One at a time: checking hundreds of steps takes seconds, and only the newest text counts."""


class Checked(NamedTuple):
    """The problems of a text."""

    rev: str
    problems: list[Problem]


class DraftFeed:
    """Sends the state of a draft, then each change of the draft, of its file and of its problems."""

    is_over = False

    def __init__(
        self, draft: Subject[DraftText], checked: Subject[Checked], known: str, saved_by: Callable[[str], str | None]
    ) -> None:
        """`known` is the rev of the text that the client has, "" if none."""
        self._draft, self._checked, self._saved_by = draft, checked, saved_by
        self._known = known
        self._sent: DraftText | None = None
        self._checked_rev = known

    @property
    def subjects(self) -> Sequence[Subject[Any]]:
        """The draft with its file, and its problems."""
        return [self._draft, self._checked]

    async def messages(self) -> Sequence[Message]:
        """Return the messages that bring the client up to date."""
        found: list[Message] = []
        now, before = self._draft.state, self._sent
        if now is not None and now is not before:
            self._sent = now
            if before is None:
                found.append(_draft_message("snapshot", now, self._known, None))
            else:
                if _without_file(now.state) != _without_file(before.state):
                    found.append(_draft_message("rev", now, before.state.rev, before.text))
                if now.state.saved_etag != before.state.saved_etag:
                    found.append(await self._file_message(now.state))
        return [*found, *self._problems()]

    async def _file_message(self, state: DraftState) -> Message:
        by = await to_thread.run_sync(partial(self._saved_by, state.saved_etag))
        return {"type": "file", "etag": state.etag, "saved_etag": state.saved_etag, "saved_by": by}

    def _problems(self) -> list[Message]:
        """Return the problems of the text that was sent last, once they are known."""
        checked, sent = self._checked.state, self._sent
        if checked is None or sent is None or checked.rev != sent.state.rev or checked.rev == self._checked_rev:
            return []
        self._checked_rev = checked.rev
        return [{"type": "problems", "rev": checked.rev, "problems": [asdict(one) for one in checked.problems]}]


def _without_file(state: DraftState) -> tuple[Any, ...]:
    return state.rev, state.etag, state.is_draft, state.can_undo, state.can_redo


def _draft_message(kind: str, now: DraftText, base: str, text: str | None) -> Message:
    """Return the message about a text, for a client that has the text with the rev `base`."""
    changes = now.changes_since(base, text)
    return {
        "type": kind,
        "draft": asdict(now.state),
        "base": None if changes is None else base,
        "splices": None if changes is None else [asdict(one) for one in changes[0]],
        "words": [] if changes is None else changes[1],
    }


@asynccontextmanager
async def draft_feed(
    name: str, known: str, hub: Hub, orchestra: Orchestra, principal: Principal
) -> AsyncIterator[DraftFeed]:
    """Watch a person's draft of a workflow. Raises the errors of `editing.canvas`."""
    editing, key = orchestra.editing, (principal.id, principal.role, name)
    load = partial(editing.draft_text, principal, name)
    await to_thread.run_sync(load)

    last = Checked("", [])

    def check() -> Checked:
        nonlocal last
        now = load()
        if now.state.rev != last.rev:
            last = Checked(now.state.rev, editing.problems(principal, name, now.text))
        return last

    async with (
        hub.watching(("draft", *key), load, at_least_seconds=_DRAFT_SECONDS, at_most_seconds=_FILE_SECONDS) as draft,
        hub.watching(
            ("problems", *key), check, at_least_seconds=_CHECK_SECONDS, at_most_seconds=_FILE_SECONDS, threads=_checking
        ) as checked,
    ):
        for subject in (draft, checked):
            if subject.error is not None:
                raise subject.error
        yield DraftFeed(draft, checked, known, partial(editing.saved_by, principal, name))
