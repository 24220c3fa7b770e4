"""What the socket of a workflow's draft sends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

from anyio import to_thread

from api.base.threads import Threads
from api.sockets.hub import Hub, Subject
from api.sockets.serving import Message
from engine.base.errors import Problem
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workflows.editing.standing import Standing

_LOOK_SECONDS = 0.2
_FILE_SECONDS = 1.0
"""How often the file is looked at, which people and git change without a word."""
_CHECK_SECONDS = 0.25
_checking = Threads("checks of texts for sockets", 1)
"""One at a time: a text of hundreds of steps takes seconds, and only the newest one counts."""


class Checked(NamedTuple):
    """The problems of a text."""

    rev: str
    problems: list[Problem]


class DraftNews:
    """The text of a person, then each change of it, of its file and of its problems."""

    is_over = False

    def __init__(
        self, draft: Subject[Standing], checked: Subject[Checked], known: str, saved_by: Callable[[str], str | None]
    ) -> None:
        """`known`: the rev that the client has, "" if none."""
        self._draft, self._checked, self._saved_by = draft, checked, saved_by
        self._known = known
        self._told: Standing | None = None
        self._checked_rev = known

    @property
    def subjects(self) -> Sequence[Subject[Any]]:
        """The draft with its file, and its problems."""
        return [self._draft, self._checked]

    async def messages(self) -> Sequence[Message]:
        """Return what leads from what was sent last to the newest text."""
        found: list[Message] = []
        now, before = self._draft.state, self._told
        if now is not None and now is not before:
            self._told = now
            if before is None:
                found.append(_of("snapshot", now, self._known, None))
            elif _draft_of(now) != _draft_of(before):
                found.append(_of("rev", now, before.rev, before.text))
            if before is not None and now.saved_etag != before.saved_etag:
                by = await to_thread.run_sync(partial(self._saved_by, now.saved_etag))
                found.append({"type": "file", "etag": now.etag, "saved_etag": now.saved_etag, "saved_by": by})
        return [*found, *self._problems()]

    def _problems(self) -> list[Message]:
        """Return the problems of the text that was sent last, if they are known and were not sent."""
        checked, told = self._checked.state, self._told
        if checked is None or told is None or checked.rev != told.rev or checked.rev == self._checked_rev:
            return []
        self._checked_rev = checked.rev
        return [{"type": "problems", "rev": checked.rev, "problems": [asdict(one) for one in checked.problems]}]


def _draft_of(one: Standing) -> tuple[Any, ...]:
    return one.rev, one.etag, one.is_draft, one.can_undo, one.can_redo


def _of(kind: str, now: Standing, base: str, text: str | None) -> Message:
    """Return the message about a text, for a client that has the one with the rev `base`."""
    since = now.since(base, text)
    return {
        "type": kind,
        "rev": now.rev,
        "etag": now.etag,
        "saved_etag": now.saved_etag,
        "is_draft": now.is_draft,
        "can_undo": now.can_undo,
        "can_redo": now.can_redo,
        "base": None if since is None else base,
        "splices": None if since is None else [asdict(one) for one in since[0]],
        "words": [] if since is None else since[1],
    }


@asynccontextmanager
async def draft_news(
    name: str, known: str, hub: Hub, orchestra: Orchestra, principal: Principal
) -> AsyncIterator[DraftNews]:
    """Watch the draft that a person has of a workflow. Raises what `editing.canvas` raises."""
    editing, key = orchestra.editing, (principal.id, principal.role, name)
    look = partial(editing.standing, principal, name)
    await to_thread.run_sync(look)

    last = Checked("", [])

    def check() -> Checked:
        nonlocal last
        now = look()
        if now.rev != last.rev:
            last = Checked(now.rev, editing.problems(principal, name, now.text))
        return last

    async with (
        hub.watching(("draft", *key), look, at_least_seconds=_LOOK_SECONDS, at_most_seconds=_FILE_SECONDS) as draft,
        hub.watching(
            ("problems", *key), check, at_least_seconds=_CHECK_SECONDS, at_most_seconds=_FILE_SECONDS, threads=_checking
        ) as checked,
    ):
        for subject in (draft, checked):
            if subject.error is not None:
                raise subject.error
        yield DraftNews(draft, checked, known, partial(editing.saved_by, principal, name))
