"""The port of accounts that refuse access."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol


class AccountNoticeRecord(NamedTuple):
    """A refusal as stored. `connection`, `mode` and `workflow` (empty: all of them) identify it."""

    connection: str
    mode: str
    workflow: str
    service: str
    kind: str
    account: str
    message: str
    since: str
    key_mark: str
    """A hash of the settings it occurred with: another key resolves it."""


class AccountNoticeStore(Protocol):
    """Keeps refusals until they are resolved; any thread."""

    def all(self) -> list[AccountNoticeRecord]:
        """Return every refusal, oldest first."""

    def report(self, refusal: AccountNoticeRecord, holds: Callable[[AccountNoticeRecord], bool]) -> None:
        """Store a refusal, unless the same one is known and, as `holds` says, still met."""

    def forget(self, connection: str, mode: str | None = None, workflow: str | None = None) -> None:
        """Remove the refusals of a connection: in one mode, of one workflow, or (None) of any."""
