"""The ports of steps that wait for mail: found again by the mailbox and the conversation in which it may arrive.

Whoever notices new mail leaves a *hint*: the run is woken, and the step looks for itself. A hint that is lost is made
up for when the wait ends, and one too many does no harm.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol


class AwaitedMailbox(NamedTuple):
    """A mailbox in which steps wait for mail."""

    connection: str
    mode: str
    """An `AccountMode`."""
    since: str
    """When the first of these steps last looked."""


class WaitingStep(NamedTuple):
    """A step that waits for mail in a conversation."""

    run_id: str
    path: str
    name: str
    """One of the ids of the conversation."""


class MailWaits(Protocol):
    """All waits for mail; any thread. Everything raises StorageError."""

    def mailboxes(self) -> Sequence[AwaitedMailbox]:
        """Return the mailboxes in which anything is awaited."""

    def of(self, mailbox: AwaitedMailbox, names: Collection[str]) -> Sequence[WaitingStep]:
        """Return the waits for mail in conversations with these ids."""

    def wake(self, waits: Sequence[WaitingStep], at: str) -> None:
        """Leave a hint for each of these waits, and wake their runs."""


class OwnMailWaits(Protocol):
    """The waits of the runs that a process works on, in the transactions of its journal; on the engine's loop."""

    def begin(self, run_id: str, path: str, connection: str, mode: str, names: Sequence[str], at: str) -> None:
        """Record that a step waits, or goes on waiting, for mail in a conversation with these ids; hints stay."""

    def hints(self, run_id: str, path: str) -> int | None:
        """Return how many hints there are for a step; None if no wait of it is known."""

    def end(self, run_id: str, path: str) -> None:
        """Forget the waits of a step."""
