"""Notice mail in conversations that steps wait for, and wake their runs; the steps then look for themselves.

Each mailbox is asked once for what has arrived, however many steps wait for mail there. Nothing depends on it: what is
not noticed is found when a wait ends.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from clients.deadline import deadline
from clients.errors import AuthError, ServiceError
from clients.mail.answering import MailHint
from engine.base.clock import Clock, moment_of, timestamp
from engine.base.errors import OrchestraError, StorageError
from engine.base.statuses import AccountMode
from engine.connections.accounts import Accounts
from engine.plugins.trigger import TriggerType
from engine.runner.effects.fault_points import reached
from engine.store.mail_waits import AwaitedMailbox, MailWaits, WaitingStep
from engine.store.settings import Settings
from engine.triggering.polling.backoff import after_failure

_log = logging.getLogger(__name__)
_POLL_SECONDS = TriggerType.poll_seconds
_LOOK_SECONDS = 120.0
_OVERLAP = timedelta(minutes=10)
"""What has arrived in this period is listed again: searches of services lag behind, and clocks differ."""
_LOOKED_AT = "awaited_mail.looked_at:"

Noticed = set[tuple[str, WaitingStep]]
"""The ids of mails, each with a step that may wait for it."""


class MailWatch:
    """Looks into the mailboxes in which mail is awaited; one thread at a time."""

    def __init__(self, waits: MailWaits, settings: Settings, accounts: Accounts, clock: Clock) -> None:
        self._waits, self._settings, self._accounts, self._clock = waits, settings, accounts, clock
        self._chance = random.Random()  # noqa: S311 - spreads load, guards nothing
        self._due_at: dict[AwaitedMailbox, datetime] = {}
        self._failures: dict[AwaitedMailbox, int] = {}
        self._noticed: dict[AwaitedMailbox, Noticed] = {}
        """What was noticed in the last look, so that the overlap wakes nobody again."""

    def look(self) -> None:
        """Look into each mailbox whose turn it is. Raises StorageError, Fenced."""
        now, mailboxes = self._clock(), {one._replace(since=""): one for one in self._waits.mailboxes()}
        for known in (self._due_at, self._failures, self._noticed):
            for one in known.keys() - mailboxes.keys():
                del known[one]
        for name, mailbox in mailboxes.items():
            if self._due_at.get(name, now) <= now:
                self._due_at[name] = now + timedelta(seconds=_POLL_SECONDS)
                self._look_into(name, mailbox, now)

    def _look_into(self, name: AwaitedMailbox, mailbox: AwaitedMailbox, now: datetime) -> None:
        mode, looked_at = AccountMode(mailbox.mode), f"{_LOOKED_AT}{mailbox.mode}:{mailbox.connection}"
        since = moment_of(max(self._settings.get(looked_at), mailbox.since))
        try:
            with deadline(_LOOK_SECONDS):
                client: Any = self._accounts.open(mailbox.connection, None, mode).client
                arrived: Sequence[MailHint] = client.answers.arrived(min(since, now) - _OVERLAP)
        except StorageError:
            raise
        except (ServiceError, OrchestraError) as error:
            self._failed(name, mode, error, now)
            return
        self._failures.pop(name, None)
        self._notice(name, arrived, now)
        self._settings.put(looked_at, timestamp(now))

    def _notice(self, name: AwaitedMailbox, arrived: Sequence[MailHint], now: datetime) -> None:
        """Wake the steps that may wait for mail which was not noticed before."""
        waiting: dict[str, list[WaitingStep]] = {}
        for step in self._waits.of(name, {each for one in arrived for each in one.names}):
            waiting.setdefault(step.name, []).append(step)
        noticed = {(one.id, step) for one in arrived for each in one.names for step in waiting.get(each, ())}
        new = sorted({step for _, step in noticed - self._noticed.get(name, set())})
        if new:
            reached("before hints")
            self._waits.wake(new, timestamp(now))
            reached("after hints")
        self._noticed[name] = noticed

    def _failed(self, name: AwaitedMailbox, mode: AccountMode, error: Exception, now: datetime) -> None:
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        self._due_at[name] = after_failure(error, failures, _POLL_SECONDS, now, self._chance)
        if isinstance(error, AuthError):
            self._accounts.notices.report(name.connection, mode, error)
        if failures == 1:
            _log.warning("%s could not be asked for awaited mail: %s", name.connection, error)
