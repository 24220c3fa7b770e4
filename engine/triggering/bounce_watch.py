"""Notice reports that mail of runs could not be delivered.

A mailbox from which a run has sent mail is looked at for a few days, soon after the mail was sent and then ever more
rarely. A report counts only if it names a mail that a run has sent from that very account, which the ledger tells, and
for those to whom that mail went: whoever got it could make up a report about anybody else. It is a text from outside:
it is kept beside the run, and changes nothing else.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from clients.deadline import deadline
from clients.errors import ServiceError
from clients.mail.addresses import compared, specs
from clients.mail.bounces import ArrivedBounce
from engine.base.clock import Clock, moment_of, timestamp
from engine.base.errors import InvalidFile, OrchestraError, StorageError
from engine.base.statuses import AccountMode
from engine.connections.accounts import Accounts
from engine.plugins.registry import step_types
from engine.record.run_log import RunLogs
from engine.store.bounces import BouncedMail, Bounces, MadeMail
from engine.store.ledger import marker
from engine.store.settings import Settings

_log = logging.getLogger(__name__)
_DAYS = timedelta(days=6)
"""For how long after a mail: most servers give up after five days at the latest (RFC 5321 4.5.4.1)."""
_OFTEN, _RARELY = timedelta(minutes=1), timedelta(hours=1)
_SHARE = 6
"""The pause between two looks is a sixth of the time since the last mail was sent, within these bounds."""
_ASK = timedelta(seconds=20)
"""How often the ledger is asked who has sent mail."""
_LOOK_SECONDS = 120.0
_OVERLAP = timedelta(minutes=10)
"""What has arrived in this period is listed again: searches of services lag behind, and clocks differ."""
_LOOKED_AT = "bounces.looked_at:"
_TOLD = ("failed", "delayed", "delivered", "relayed")


class BounceWatch:
    """Looks into the mailboxes from which mail was sent; one thread at a time."""

    def __init__(self, bounces: Bounces, settings: Settings, accounts: Accounts, logs: RunLogs, clock: Clock) -> None:
        self._bounces, self._settings, self._accounts, self._clock = bounces, settings, accounts, clock
        self._logs = logs
        self._ask_at: datetime | None = None
        self._looked_at: dict[str, datetime] = {}
        self._seen: dict[str, dict[str, datetime]] = {}
        """When reports about mails of runs were read, by account and by the id of the report."""
        self._failing: set[str] = set()

    def look(self) -> None:
        """Look into each mailbox whose turn it is. Raises StorageError, Fenced."""
        now = self._clock()
        if self._ask_at is not None and now < self._ask_at:
            return
        self._ask_at = now + _ASK
        uses = [name for name, kind in step_types().items() if kind.sends_mail]
        since = timestamp(now - _DAYS)
        # An account of the demo is named after it, and reports come to none.
        sent = {one.account: one.last_at for one in self._bounces.mailed(uses, since) if _service_of(one.account)}
        due = {account for account, last_at in sent.items() if self._is_due(account, last_at, now)}
        self._looked_at |= dict.fromkeys(due, now)  # also of those whose connection cannot be opened now
        for name, account in self._connections(due).items():
            self._look_into(name, account, now, partial(self._bounces.mails, account, uses, since))

    def _is_due(self, account: str, last_at: str, now: datetime) -> bool:
        pause = min(max((now - moment_of(last_at)) / _SHARE, _OFTEN), _RARELY)
        return account not in self._looked_at or now - self._looked_at[account] >= pause

    def _connections(self, accounts: set[str]) -> dict[str, str]:
        """Return a connection to each of these accounts: {name: account}."""
        found: dict[str, str] = {}
        services = {_service_of(one) for one in accounts}
        for name, connection in self._accounts.config().config.connections.items():
            if connection.service not in services:
                continue
            try:
                with deadline(_LOOK_SECONDS):
                    account = self._accounts.open(name, None, AccountMode.MINE).identity()
            except StorageError:
                raise
            except (ServiceError, OrchestraError):
                continue
            if account in accounts and account not in found.values():
                found[name] = account
        return found

    def _look_into(self, name: str, account: str, now: datetime, sent: Callable[[], Sequence[MadeMail]]) -> None:
        key, seen = f"{_LOOKED_AT}{account}", self._seen.setdefault(account, {})
        since = self._since(self._settings.get(key), now, sent())
        try:
            with deadline(_LOOK_SECONDS):
                client: Any = self._accounts.open(name, None, AccountMode.MINE).client
                arrived = client.answers.bounces(since, seen)
        except StorageError:
            raise
        except (ServiceError, OrchestraError) as error:  # a step or a trigger that meets it says so
            if account not in self._failing:
                _log.info("%s could not be asked for reports about mail: %s", name, error)
            self._failing.add(account)
            return
        self._failing.discard(account)
        # Asked again: a mail may have been sent, and have come back, since the mailbox was listed.
        matched = self._note(name, arrived, _by_name(sent()), timestamp(now))
        self._seen[account] = {
            one: at for one, at in {**seen, **dict.fromkeys(matched, now)}.items() if now - at <= _DAYS
        }
        self._settings.put(key, timestamp(now))

    def _since(self, looked_at: str | None, now: datetime, sent: Sequence[MadeMail]) -> datetime:
        """Return from when on reports are listed: the last look, or when a mail went that is known only since then."""
        looked = min(moment_of(looked_at), now) if looked_at else now - _DAYS
        known_since = (moment_of(one.intended_at) for one in sent if moment_of(one.done_at) >= looked - _OVERLAP)
        return max(min([looked, *known_since]), now - _DAYS) - _OVERLAP

    def _note(self, name: str, arrived: list[ArrivedBounce], sent: Mapping[str, MadeMail], at: str) -> list[str]:
        """Keep what reports say of mails that were really sent from here; return the ids of these reports."""
        found, matched = [], []
        for one in arrived:
            mail = sent.get(one.bounce.marker) or sent.get(one.bounce.message_id)
            if mail is None:
                continue
            matched.append(one.id)
            known = self._recipients(mail)
            for each in one.bounce.recipients:
                is_about_it = known is None or compared(each["address"]) in known
                if is_about_it and each["action"] in _TOLD:
                    words = (each["address"], each["action"], each["status"], each["diagnostic"])
                    found.append(BouncedMail(mail.run_id, mail.path, *words, name, one.id, at))
        if found:
            self._bounces.note(found)
        return matched

    def _recipients(self, mail: MadeMail) -> set[str] | None:
        """Return to whom a mail went; None if its step does not say so, or its run has not ended yet."""
        try:
            run = self._logs.read(mail.run_id)
        except InvalidFile:
            return None
        step = next((one for one in run["steps"] if one["path"] == mail.path), None) if run is not None else None
        told = [json.loads(mail.output or "{}")]
        if step is not None:
            told += [step.get("request") or {}, step["arguments"] or {}]
        given = [one for one in told if isinstance(one, dict)]
        if not any(one.get("to") or one.get("recipients") for one in given):
            return None
        values = [one.get(name) for one in given for name in ("recipients", "to", "cc", "bcc")]
        texts = [text for one in values for text in (one if isinstance(one, list) else [one]) if isinstance(text, str)]
        return {compared(spec) for text in texts for spec in specs(text)}


def _service_of(account: str) -> str:
    """Return the service of an account, as in identities of writes; "" for one of the demo."""
    service, colon, _ = account.partition(":")
    return service if colon and not service.startswith("demo-") else ""


def _by_name(sent: Sequence[MadeMail]) -> dict[str, MadeMail]:
    """Return mails by all that a report may name: their markers, and their Message-IDs."""
    found: dict[str, MadeMail] = {}
    for one in sent:
        found[marker(one.identity, one.generation)] = one
        told = json.loads(one.output or "{}")
        name = str(told.get("message_id") or "") if isinstance(told, dict) else ""
        if name:
            found[name] = one
    return found
