"""A store in memory, for the contract of the ports: plain dictionaries, one lock, and transactions that roll back."""

from __future__ import annotations

import asyncio
import copy
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import reduce
from itertools import count
from typing import Any, TypeVar

from msgspec import structs
from msgspec.structs import replace

from engine.base.clock import moment_of, timestamp
from engine.base.errors import Fenced, InUse
from engine.base.json_text import compact
from engine.base.names import in_utc
from engine.base.statuses import ACTIVE_RUNS, OPEN_RUNS, AccountMode, Priority, RunStatus
from engine.store.acceptances import IdempotentRequest, Polled, Renamed, RunEntry
from engine.store.approvals import ApprovalRecord
from engine.store.claims import TakenRun
from engine.store.debugging import DebugState
from engine.store.held import Held
from engine.store.journal import JournalBroken
from engine.store.ledger import Claimed, IntendedWrite, SimilarWrite
from engine.store.ledger import LedgerRow as LedgerEntry
from engine.store.load import Load, QueuedRuns
from engine.store.owners import OwnerRecord
from engine.store.people.api_tokens import TokenRecord
from engine.store.people.audit import AuditEntry, AuditLine, TrailFilter
from engine.store.people.people import Check, UserRecord
from engine.store.people.sign_ins import NewSession, SessionFacts, SessionRecord, SignInLimitReached, Success, TryLimit
from engine.store.run_limits import Crowd, LimitedRun, LimitReached, RunLimits, limited_connections
from engine.store.runs import (
    Backlog,
    RunFilter,
    RunRecord,
    environment_name,
    is_test,
    item_words,
    priority_of,
    unhashed,
)
from engine.store.spending import Amount, Decide, Pot, PotLevel, Reservation, Verdict
from engine.store.triggering.refusals import RefusalRecord
from engine.store.triggering.triggered_runs import ProcessQueue, QueuedRun
from engine.store.triggering.triggers import (
    DeadRecord,
    ItemRecord,
    Moved,
    TriggerKey,
    TriggerPosition,
    TriggerRecord,
    TurnedOn,
)

T = TypeVar("T")
_SEARCHED = ("sentence", "run_id", "title", "workflow", "item")


class MemoryState:
    """Everything that is kept, and one lock for it."""

    is_far = False

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.settings_: dict[str, str] = {}
        self.lines: list[AuditEntry] = []
        self.users: dict[str, UserRecord] = {}
        self.sessions: dict[str, SessionRecord] = {}
        self.links: dict[str, tuple[str, str]] = {}
        self.tokens: dict[str, TokenRecord] = {}
        self.tries: list[tuple[str, str, datetime]] = []
        self.known: dict[tuple[str, str], datetime] = {}
        self.refused: dict[tuple[str, str, str], RefusalRecord] = {}
        self.triggers_: dict[TriggerKey, TriggerRecord] = {}
        self.seen: dict[tuple[TriggerKey, str], ItemRecord] = {}
        self.runs_: dict[str, RunRecord] = {}
        self.requests: dict[str, tuple[str, str]] = {}
        self.effects_: dict[str, tuple[IntendedWrite, LedgerEntry]] = {}
        self.writes = 0
        self.held: Held | None = None
        self.owners: set[str] = set()
        self.last_rename = ""
        self.counted: dict[Pot, Amount] = {}
        self.reserved: dict[str, tuple[Reservation, str, Amount]] = {}
        self.paused: dict[str, str] = {}
        self.asked: dict[str, ApprovalRecord] = {}
        self.debugged: dict[str, DebugState] = {}
        self.settings = MemorySettings(self)
        self.audit = MemoryAudit(self)
        self.people = MemoryPeople(self)
        self.sign_ins = MemorySignIns(self)
        self.api_tokens = MemoryTokens(self)
        self.login_tries = MemoryLoginTries(self)
        self.refusals = MemoryRefusals(self)
        self.triggers = MemoryTriggers(self)
        self.items = MemoryItems(self)
        self.runs = MemoryRuns(self)
        self.run_queue = MemoryRunQueue(self)
        self.claims = MemoryClaims(self)
        self.spent = MemorySpent(self)
        self.loads = MemoryLoads(self)
        self.approvals = MemoryApprovals(self)
        self.debugging = MemoryDebugging(self)

    @contextmanager
    def writing(self, owner: str | None = None) -> Iterator[None]:
        """Change things; an error restores what was there. Raises Fenced if `owner` was taken over."""
        with self.lock:
            kept = {name: copy.copy(value) for name, value in vars(self).items() if isinstance(value, dict | list)}
            numbers = self.writes
            try:
                if owner is not None and owner not in self.owners:
                    raise Fenced
                yield
            except BaseException:
                vars(self).update(kept, writes=numbers)
                raise

    def sign_out(self, user_id: str, keep: str | None = None) -> None:
        """End a user's sessions and links."""
        self.sessions = {id_: one for id_, one in self.sessions.items() if one.user_id != user_id or id_ == keep}
        self.links = {token: link for token, link in self.links.items() if link[0] != user_id}

    def forget_tries(self, account: str) -> None:
        """Forget an account's tries and places."""
        self.tries = [one for one in self.tries if one[0] != account]
        self.known = {key: at for key, at in self.known.items() if key[0] != account}

    def remember(self, success: Success) -> None:
        """Forget the tries there, and remember the network."""
        self.tries = [one for one in self.tries if one[:2] != (success.account, success.place)]
        self.known[success.account, success.network] = success.at

    def busy(self, workflow: str) -> list[RunRecord]:
        """The open runs of a workflow that triggers have started."""
        return [
            one
            for one in self.runs_.values()
            if one.workflow == workflow and one.started_by.startswith("trigger:") and not one.parent_run_id
            if one.status in OPEN_RUNS and one.ended_at is None
        ]


class _Part:
    def __init__(self, state: MemoryState) -> None:
        self._state = state


class MemorySettings(_Part):
    """Settings."""

    def get(self, key: str, default: str = "") -> str:
        return self._state.settings_.get(key, default)

    def with_prefix(self, prefix: str) -> dict[str, str]:
        return {key: value for key, value in self._state.settings_.items() if key.startswith(prefix)}

    def put(self, key: str, value: str) -> None:
        with self._state.writing():
            self._state.settings_[key] = value

    def change(self, key: str, change: Callable[[str], str | None]) -> None:
        with self._state.writing():
            value = change(self.get(key))
            self._state.settings_.pop(key, None)
            if value is not None:
                self._state.settings_[key] = value

    def change_all(self, prefix: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        with self._state.writing():
            mine = {key: value for key, value in self._state.settings_.items() if key.startswith(prefix)}
            wanted = change(dict(mine))
            self._state.settings_ = {k: v for k, v in self._state.settings_.items() if k not in mine} | wanted

    def remove(self, key: str) -> None:
        with self._state.writing():
            self._state.settings_.pop(key, None)


class MemoryAudit(_Part):
    """The audit trail."""

    def add(self, entry: AuditEntry) -> None:
        with self._state.writing():
            self._state.lines.append(entry)

    def found(self, which: TrailFilter) -> list[AuditLine]:
        lines = [
            AuditLine(number, moment_of(one.at), *one[1:]) for number, one in enumerate(self._state.lines, start=1)
        ]
        fitting = [one for one in reversed(lines) if _fits(one, which)]
        return fitting[: which.limit]

    def names(self) -> tuple[list[str], list[str]]:
        lines = self._state.lines
        return sorted({one.principal for one in lines}), sorted({one.action for one in lines})

    def last_times(self, actions: Sequence[str]) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        for one in self._state.lines:
            if one.action in actions:
                found[one.target] = max(moment_of(one.at), found.get(one.target, moment_of(one.at)))
        return found


def _fits(line: AuditLine, which: TrailFilter) -> bool:
    return (
        (not which.who or line.principal == which.who)
        and (not which.action or f"{line.action}.".startswith(f"{which.action}."))
        and (which.since is None or line.at >= in_utc(which.since))
        and (which.until is None or line.at < in_utc(which.until))
        and (which.before is None or line.number < which.before)
    )


class MemoryPeople(_Part):
    """Users."""

    def users(self) -> list[UserRecord]:
        return [user for _, user in sorted(self._state.users.items())]

    def user(self, user_id: str) -> UserRecord | None:
        return self._state.users.get(user_id)

    def add_first(self, user: UserRecord) -> None:
        with self._state.writing():
            self._state.users.setdefault(user.id, user)

    def add(self, user: UserRecord, entry: AuditEntry) -> bool:
        with self._state.writing():
            if user.id in self._state.users:
                return False
            self._state.users[user.id] = user
            self._state.lines.append(entry)
            return True

    def set_role(self, user_id: str, role: str, entry: AuditEntry, check: Check) -> None:
        with self._state.writing():
            check(self.users())
            self._state.users[user_id] = self._state.users[user_id]._replace(role=role)
            self._state.lines.append(entry)

    def set_password(self, user_id: str, password_hash: str, entry: AuditEntry, keep_session: str | None) -> bool:
        with self._state.writing():
            if user_id not in self._state.users:
                return False
            self._state.users[user_id] = self._state.users[user_id]._replace(password_hash=password_hash)
            self._state.sign_out(user_id, keep_session)
            self._state.forget_tries(user_id)
            self._state.lines.append(entry)
            return True

    def give_password(self, user_id: str, password_hash: str, entry: AuditEntry) -> UserRecord | None:
        with self._state.writing():
            user = self._state.users.get(user_id)
            if user is None or user.password_hash is not None:
                return None
            self._state.users[user_id] = user._replace(password_hash=password_hash)
            self._state.lines.append(entry)
            return self._state.users[user_id]

    def remove(self, user_id: str, entry: AuditEntry, check: Check, is_theirs: Callable[[str], bool]) -> None:
        with self._state.writing():
            check(self.users())
            self._state.sign_out(user_id)
            self._state.tokens = {k: one for k, one in self._state.tokens.items() if one.user_id != user_id}
            self._state.forget_tries(user_id)
            self._state.settings_ = {k: v for k, v in self._state.settings_.items() if not is_theirs(k)}
            self._state.users.pop(user_id, None)
            self._state.lines.append(entry)


class MemorySignIns(_Part):
    """Sessions and links."""

    def signed_in(self, id_hash: str) -> SessionFacts | None:
        session = self._state.sessions.get(id_hash)
        user = None if session is None else self._state.users.get(session.user_id)
        return None if session is None or user is None else SessionFacts(session.expires_at, user.id, user.role)

    def sessions(self, user_id: str, now: str) -> list[SessionRecord]:
        found = [one for one in self._state.sessions.values() if one.user_id == user_id and one.expires_at > now]
        return sorted(found, key=lambda one: one.expires_at, reverse=True)

    def _begin(self, sign_in: NewSession) -> None:
        now = sign_in.session.created_at
        self._state.sessions = {id_: one for id_, one in self._state.sessions.items() if one.expires_at > now}
        self._state.sessions[sign_in.session.id_hash] = sign_in.session
        self._state.lines.append(sign_in.entry)

    def login(self, sign_in: NewSession, password_hash: str) -> bool:
        with self._state.writing():
            user = self._state.users.get(sign_in.session.user_id)
            if user is None or user.password_hash != password_hash:
                return False
            self._begin(sign_in)
            return True

    def redeem(
        self, token_hash: str, now: str, signed_in: Callable[[str], tuple[NewSession, Success]]
    ) -> NewSession | None:
        with self._state.writing():
            link = self._state.links.pop(token_hash, None)
            if link is None or link[1] <= now:
                return None
            sign_in, success = signed_in(link[0])
            self._state.remember(success)
            self._begin(sign_in)
            return sign_in

    def renew(self, id_hash: str, expires_at: str) -> None:
        with self._state.writing():
            if id_hash in self._state.sessions:
                self._state.sessions[id_hash] = self._state.sessions[id_hash]._replace(expires_at=expires_at)

    def close(self, id_hash: str) -> None:
        with self._state.writing():
            self._state.sessions.pop(id_hash, None)

    def end(self, user_id: str, prefix: str, entry: AuditEntry) -> bool:
        with self._state.writing():
            gone = [i for i, one in self._state.sessions.items() if one.user_id == user_id and i.startswith(prefix)]
            for one in gone:
                del self._state.sessions[one]
            if gone:
                self._state.lines.append(entry)
            return bool(gone)

    def sign_out(self, user_id: str, now: str, keep: str | None, entry: Callable[[int], AuditEntry]) -> int:
        with self._state.writing():
            before = len(self.sessions(user_id, now))
            self._state.sign_out(user_id, keep)
            known = self._state.users[user_id]
            self._state.users[user_id] = known._replace(sign_outs=known.sign_outs + 1)
            ended = before - len(self.sessions(user_id, now))
            self._state.lines.append(entry(ended))
            return ended

    def make_link(self, user_id: str, token_hash: str, expires_at: str, entry: AuditEntry) -> bool:
        with self._state.writing():
            if user_id not in self._state.users:
                return False
            self._state.links = {t: link for t, link in self._state.links.items() if link[0] != user_id}
            self._state.links[token_hash] = (user_id, expires_at)
            self._state.lines.append(entry)
            return True


class MemoryTokens(_Part):
    """API tokens."""

    def found(self, id_hash: str) -> TokenRecord | None:
        return self._state.tokens.get(id_hash)

    def of(self, user_id: str) -> list[TokenRecord]:
        return sorted((one for one in self._state.tokens.values() if one.user_id == user_id), key=lambda one: one.name)

    def add(self, token: TokenRecord, most: int, entry: AuditEntry) -> bool | None:
        with self._state.writing():
            theirs = self.of(token.user_id)
            if token.name in [one.name for one in theirs]:
                return False
            if len(theirs) >= most or token.user_id not in self._state.users:
                return None
            self._state.tokens[token.id_hash] = token
            self._state.lines.append(entry)
            return True

    def note_use(self, id_hash: str, used_at: str) -> None:
        with self._state.writing():
            if id_hash in self._state.tokens:
                self._state.tokens[id_hash] = self._state.tokens[id_hash]._replace(used_at=used_at)

    def revoke(self, user_id: str, prefix: str, entry: AuditEntry) -> bool:
        with self._state.writing():
            gone = [one.id_hash for one in self.of(user_id) if one.id_hash.startswith(prefix)]
            for id_hash in gone:
                del self._state.tokens[id_hash]
            if gone:
                self._state.lines.append(entry)
            return bool(gone)


class MemoryLoginTries(_Part):
    """Failed tries."""

    def reached(self, account: str, place: str, limits: Sequence[TryLimit], now: datetime) -> SignInLimitReached | None:
        for limit in limits:
            if limit.spares_known and (account, place) in self._state.known:
                continue
            counted = [
                at
                for who, where, at in reversed(self._state.tries)
                if at > now - limit.window
                if limit.account in (None, who) and limit.place in (None, where)
                if not (limit.without and where.startswith(limit.without))
            ]
            if len(counted) >= limit.most:
                return SignInLimitReached(limit, counted[limit.most - 1])
        return None

    def count(
        self, account: str, place: str, limits: Sequence[TryLimit], now: datetime, lasts: tuple[timedelta, timedelta]
    ) -> SignInLimitReached | None:
        with self._state.writing():
            self._state.tries = [one for one in self._state.tries if one[2] > now - lasts[0]]
            self._state.known = {key: at for key, at in self._state.known.items() if at > now - lasts[1]}
            reached = self.reached(account, place, limits, now)
            if reached is None:
                self._state.tries.append((account, place, now))
            return reached

    def succeeded(self, success: Success) -> None:
        with self._state.writing():
            self._state.remember(success)


class MemoryRefusals(_Part):
    """Accounts that refuse."""

    def all(self) -> list[RefusalRecord]:
        return sorted(self._state.refused.values(), key=lambda one: one.since)

    def report(self, refusal: RefusalRecord, holds: Callable[[RefusalRecord], bool]) -> None:
        with self._state.writing():
            known = self._state.refused.get(refusal[:3])
            if known is None or not holds(known):
                self._state.refused[refusal[:3]] = refusal

    def forget(self, connection: str, mode: str | None = None, workflow: str | None = None) -> None:
        with self._state.writing():
            wanted = (connection, mode, workflow)
            self._state.refused = {
                key: one
                for key, one in self._state.refused.items()
                if any(w is not None and w != k for w, k in zip(wanted, key, strict=True))
            }


class MemoryTriggers(_Part):
    """Triggers."""

    def all(self) -> list[TriggerRecord]:
        return sorted(self._state.triggers_.values(), key=lambda one: (one.workflow, one.trigger))

    def on(self) -> list[TriggerRecord]:
        return sorted((one for one in self.all() if one.is_on), key=lambda one: one.look_again_at or "")

    def get(self, key: TriggerKey) -> TriggerRecord | None:
        return self._state.triggers_.get(key)

    def go_on(self, key: TriggerKey, on: TurnedOn) -> None:
        with self._state.writing():
            self.turn_on(key, on, None)

    def turn_on(self, key: TriggerKey, on: TurnedOn, place: TriggerPosition | None) -> None:
        """Turn a trigger on, inside a transaction."""
        for other, one in self._state.triggers_.items():
            if (one.workflow, one.trigger, one.demo) == (key.workflow, key.trigger, on.demo):
                self._state.triggers_[other] = one._replace(is_on=False)
        known = self._state.triggers_.get(key) or _new(key, on)
        fresh: dict[str, Any] = {
            "look_again_at": None, "failures": 0, "error": None, "note": "", "succeeded_at": None, "is_on": True,
            "start": on.start, "turned_on_at": on.at, "turned_on_by": on.by, "uses": on.uses, "demo": on.demo,
        }  # fmt: skip
        self._state.triggers_[key] = known._replace(**{**fresh, **({} if place is None else place._asdict())})

    def turn_off(self, workflow: str, trigger: str, *, demo: bool) -> int:
        with self._state.writing():
            wanted = (workflow, trigger, demo, True)
            off = [k for k, t in self._state.triggers_.items() if (t.workflow, t.trigger, t.demo, t.is_on) == wanted]
            for key in off:
                self.change(key, is_on=False)
            return len(off)

    def ask(self, key: TriggerKey, at: str) -> None:
        with self._state.writing():
            self.change(key, look_again_at=at)

    def postpone(self, trigger: TriggerRecord, until: str, note: str | None = None) -> None:
        with self._state.writing():
            more = {} if note is None else {"note": note}
            self.change(trigger.key, look_again_at=self.unless_asked(trigger, until), **more)

    def failed(self, trigger: TriggerRecord, error: str, at: str, until: str, failures: int) -> None:
        with self._state.writing():
            again = self.unless_asked(trigger, until)
            self.change(trigger.key, look_again_at=again, looked_at=at, failures=failures, error=error)

    def change(self, key: TriggerKey, **values: Any) -> None:
        """Change a trigger, if it is known."""
        if key in self._state.triggers_:
            self._state.triggers_[key] = self._state.triggers_[key]._replace(**values)

    def unless_asked(self, trigger: TriggerRecord, until: str) -> str | None:
        """Return when to poll; a request since the trigger was read takes precedence."""
        now = self._state.triggers_.get(trigger.key)
        return until if now is None or now.look_again_at == trigger.look_again_at else now.look_again_at

    def require_unmoved(self, trigger: TriggerRecord) -> None:
        """Raise Moved if it is not as it was read."""
        now = self._state.triggers_.get(trigger.key)
        if now is None or not now.is_on or (now.turned_on_at, now.cursor) != (trigger.turned_on_at, trigger.cursor):
            raise Moved(trigger.key)


def _new(key: TriggerKey, on: TurnedOn) -> TriggerRecord:
    return TriggerRecord(
        key.workflow, key.trigger, key.account, key.source, on.uses, True, on.demo, on.start, None, on.at, on.by,
        None, None, None, None, 0, None, "", None,
    )  # fmt: skip


class MemoryItems(_Part):
    """Seen items."""

    def unseen(self, key: TriggerKey, ids: Iterable[str]) -> list[str]:
        return [one for one in dict.fromkeys(ids) if (key, one) not in self._state.seen]

    def _all(self, **wanted: Any) -> list[ItemRecord]:
        return [one for one in self._state.seen.values() if all(getattr(one, k) == v for k, v in wanted.items())]

    def failing(self, key: TriggerKey, limit: int) -> list[ItemRecord]:
        return sorted(self._all(state="failing", **structs.asdict(key)), key=lambda one: one.seen_at)[:limit]

    def count(self, key: TriggerKey) -> int:
        return len(self._all(**structs.asdict(key)))

    def _failed(self) -> list[tuple[ItemRecord, RunRecord]]:
        pairs = [(one, self._state.runs_.get(one.run_id or "")) for one in self._all(state="started")]
        return [(one, run) for one, run in pairs if run is not None and run.status == RunStatus.FAILED]

    def dead_counts(self) -> dict[TriggerKey, int]:
        return dict(Counter(one.item.key for one in self.dead(None, len(self._state.seen))))

    def left_out(self) -> dict[TriggerKey, Counter[str]]:
        found: dict[TriggerKey, Counter[str]] = {}
        for one in self._all(state="skipped"):
            found.setdefault(one.key, Counter())[one.note] += 1
        return found

    def dead(self, workflow: str | None, limit: int) -> list[DeadRecord]:
        found = [DeadRecord(one) for one in self._all(state="dead")]
        found += [DeadRecord(one, run.sentence) for one, run in self._failed()]
        mine = [one for one in found if workflow in (None, one.item.workflow)]
        return sorted(mine, key=lambda one: one.item.seen_at, reverse=True)[:limit]

    def find(self, workflow: str, trigger: str, item: str) -> ItemRecord | None:
        found = self._all(workflow=workflow, trigger=trigger, item=item)
        return max(found, key=lambda one: (one.state == "dead", one.seen_at), default=None)

    def seen_since(self, key: TriggerKey, at: str) -> list[ItemRecord]:
        return sorted(
            (one for one in self._all(**structs.asdict(key)) if one.seen_at >= at), key=lambda one: one.run_id or ""
        )

    def dismiss(self, item: ItemRecord) -> None:
        with self._state.writing():
            self._change(item, state="dismissed")

    def still_dead(self, item: ItemRecord, error: str, value: str | None) -> None:
        with self._state.writing():
            if self._state.seen[item.key, item.item].state == "dead":
                self._change(item, error=error, value=value)

    def _change(self, item: ItemRecord, **values: Any) -> None:
        known = self._state.seen[item.key, item.item]
        self._state.seen[item.key, item.item] = known._replace(**values)

    def forget(self, trigger: str, workflow: str, before: datetime) -> None:
        with self._state.writing():
            kept = ("failing", "dead")
            gone = [
                place
                for place, one in self._state.seen.items()
                if (one.workflow, one.trigger) == (workflow, trigger)
                if one.seen_at < timestamp(before) and one.state not in kept
            ]
            for place in gone:
                del self._state.seen[place]

    def keep(self, items: Iterable[ItemRecord]) -> None:
        """Add items, inside a transaction."""
        for one in items:
            self._state.seen[one.key, one.item] = one


class MemoryRuns(_Part):
    """The list of runs, as far as the contract asks."""

    def of_request(self, request: IdempotentRequest) -> str | None:
        known = self._state.requests.get(request.key)
        if known is None:
            return None
        if known[0] != request.content_hash:
            raise InUse("This request key was used before, with another workflow or other inputs.")
        return known[1]

    def get(self, run_id: str) -> RunRecord | None:
        return self._state.runs_.get(run_id)

    def page(self, wanted: RunFilter, before: str | None, limit: int) -> list[RunRecord]:
        found = [one for _, one in sorted(self._state.runs_.items(), reverse=True) if _is_wanted(one, wanted)]
        older = [one._replace(acceptance=None) for one in found if before is None or one.run_id < before]
        return older[:limit]

    def overtaken(self, run_ids: Sequence[str]) -> set[str]:
        good = [
            one for one in self._state.runs_.values() if one.status == RunStatus.SUCCEEDED and one.plan_hash is None
        ]
        earlier = [self._state.runs_[one] for one in run_ids if one in self._state.runs_]
        return {
            one.run_id
            for one in earlier
            if any(
                later.workflow == one.workflow and later.demo == one.demo and later.run_id > one.run_id
                for later in good
            )
        }

    def tally(self, since: str, until: str) -> dict[str, int]:
        every = [one for one in self._state.runs_.values() if one.plan_hash is None and one.parent_run_id is None]
        return dict(Counter(one.status for one in every if since <= one.queued_at < until))

    def backlog(self, since: str) -> Backlog:
        every = self._state.runs_.values()
        waiting = [one for one in every if one.status == RunStatus.QUEUED and one.lane is None and not one.ended_at]
        return Backlog(len(waiting), sum(1 for one in every if one.ended_at is not None and one.ended_at >= since))

    def ask_to_cancel(self, run_id: str) -> None:
        with self._state.writing():
            self.change(run_id, cancel_requested=1)

    def put_down(self, run_id: str, owner: str) -> None:
        with self._state.writing():
            run = self._state.runs_.get(run_id)
            if run is not None and run.owner == owner and run.ended_at is None:
                self.change(run_id, status=RunStatus.INTERRUPTED.value, owner=None)

    def spoil_plan(self, run_id: str, drift: str) -> None:
        with self._state.writing():
            run = self._state.runs_.get(run_id)
            if run is not None and run.is_drifted is None:
                self.change(run_id, is_drifted=1, drift=drift)

    def change(self, run_id: str, **values: Any) -> None:
        """Change a run, if it is known."""
        if run_id in self._state.runs_:
            self._state.runs_[run_id] = self._state.runs_[run_id]._replace(**values)


def _part_status(run: RunRecord) -> str:
    counts = json.loads(run.counts)
    failed = counts.get("failed_steps", 0) or counts.get("failed_items", 0)
    return "parts_failed" if run.status == RunStatus.SUCCEEDED and failed else ""


def _is_wanted(run: RunRecord, wanted: RunFilter) -> bool:
    said = [getattr(run, name).lower() for name in _SEARCHED]
    is_plan = run.plan_hash is not None
    if wanted.plans:
        is_right_kind = is_plan and run.origin_run_id is None and run.parent_run_id is None
    else:
        is_right_kind = not is_plan or wanted.parent is not None
    return (
        is_right_kind
        and (not wanted.statuses or bool({run.status, _part_status(run)} & {*wanted.statuses}))
        and wanted.workflow in (None, run.workflow)
        and wanted.workflow_id in (None, run.workflow)
        and wanted.started_by in (None, run.started_by)
        and wanted.parent in (None, run.parent_run_id)
        and wanted.demo in (None, bool(run.demo))
        and wanted.environment in (None, run.environment)
        and (wanted.since is None or run.queued_at >= wanted.since)
        and (wanted.until is None or run.queued_at < wanted.until)
        and (not wanted.text or any(wanted.text.lower() in text for text in said))
    )


class MemoryRunQueue(_Part):
    """Runs that wait for their turn."""

    def line(self, owner: str) -> ProcessQueue:
        runs = [one for _, one in sorted(self._state.runs_.items()) if one.ended_at is None]
        queued = [QueuedRun(one.run_id, one.lane) for one in runs if one.owner == owner and one.lane is not None]
        active = [
            one.workflow
            for one in runs
            if one.started_by.startswith("trigger:") and not one.parent_run_id
            if one.lane is None and one.status in ACTIVE_RUNS
        ]
        return ProcessQueue(queued, Counter(active)) if queued else ProcessQueue([], Counter())

    def hand_out(self, owner: str, at_once: Mapping[str, int], *, shared: bool = False) -> list[str]:
        with self._state.writing(owner):
            out = self.line(owner).next(at_once)
            for one in out:
                self._state.runs.change(one, lane=None, owner=None if shared else owner)
            return out


class MemoryClaims(_Part):
    """Who works on which runs."""

    def __init__(self, state: MemoryState) -> None:
        super().__init__(state)
        self._turns = count(1)

    def claim(self, owner: str, now: str, most: int, limits: RunLimits, most_of_mine: int = 0) -> list[TakenRun]:
        with self._state.writing(owner):
            crowd, taken = self._crowd(limits), list[str]()
            for whose, many in ((owner, most_of_mine), (None, most)):
                ready = [one for one in self._ready(now) if one.owner == whose and (whose or not self._is_left(one))]
                for _ in range(many):
                    free = [one for one in ready if one.run_id not in taken]
                    free = [one for one in free if one.cancel_requested or not crowd.obstacle(self._topmost(one))]
                    if not free:
                        break
                    owed = Priority.of_turn(next(self._turns))
                    one = next((one for one in free if owed and one.priority == owed.rank), free[0])
                    crowd.add(self._topmost(one))
                    taken.append(one.run_id)
            for run_id in taken:
                self._state.runs.change(run_id, owner=owner, is_at_work=1)
            return [TakenRun(run_id, None) for run_id in taken]

    def at_work(self, owner: str) -> list[str]:
        return [one.run_id for one in self._busy() if one.owner == owner]

    def give_back(self, owner: str, run_ids: Sequence[str]) -> None:
        with self._state.writing():
            for run_id in run_ids:
                self._state.runs.change(run_id, is_at_work=0)

    def obstacle(self, run_id: str, now: str, limits: RunLimits) -> LimitReached | None:
        run = next((one for one in self._ready(now) if one.run_id == run_id), None)
        return None if run is None else self._crowd(limits).obstacle(self._topmost(run))

    def wait(self, seconds: float, *, takes: bool = True) -> bool:
        return False

    def _busy(self) -> list[RunRecord]:
        return [one for one in self._state.runs_.values() if one.is_at_work and one.ended_at is None]

    def _crowd(self, limits: RunLimits) -> Crowd:
        return Crowd(limits, map(self._topmost, self._busy()))

    def _ready(self, now: str) -> list[RunRecord]:
        found = [
            one
            for one in self._state.runs_.values()
            if not one.is_at_work and one.ended_at is None and one.lane is None
            if one.status in ACTIVE_RUNS or (one.due_at is not None and one.due_at <= now) or one.cancel_requested
        ]
        return sorted(found, key=lambda one: (one.priority, one.run_id))

    def _is_left(self, run: RunRecord) -> bool:
        caller = self._state.runs_.get(run.parent_run_id or "")
        return caller is not None and caller.ended_at is None and caller.status in (RunStatus.QUEUED, RunStatus.RUNNING)

    def _topmost(self, run: RunRecord) -> LimitedRun:
        while run.parent_run_id in self._state.runs_:
            run = self._state.runs_[run.parent_run_id]
        return LimitedRun(run.run_id, run.started_by, run.connections.split())


class MemoryAcceptances:
    """The way in for the runs of a process, or of any."""

    def __init__(self, state: MemoryState, owner: str, *, shared: bool = False) -> None:
        self._state, self._owner, self._is_shared = state, owner, shared

    def store(self, entries: Sequence[RunEntry]) -> None:
        with self._state.writing(self._owner):
            for entry in entries:
                self._answer(entry)
            self._insert([one for one in entries if one.error is None and one.run_id is None])
        for entry in entries:
            if entry.error is not None:
                raise entry.error

    def _answer(self, entry: RunEntry) -> None:
        if entry.last_rename != self._state.last_rename:
            entry.error = Renamed()
        elif entry.request is not None:
            try:
                entry.run_id = self._state.runs.of_request(entry.request)
            except InUse as error:
                entry.error = error
                return
            if entry.run_id is None:
                run_id = entry.acceptance["run_id"]
                self._state.requests[entry.request.key] = (entry.request.content_hash, run_id)

    def _insert(self, entries: Sequence[RunEntry]) -> None:
        for entry in entries:
            one = entry.acceptance
            entry.run_id = one["run_id"]
            self._state.lines.append(entry.audit_entry)
            self._state.runs_[one["run_id"]] = RunRecord(
                one["run_id"], one["workflow"], entry.title, RunStatus.QUEUED.value, int(one["demo"]),
                one["started_by"], one["origin_run_id"], one["parent_run_id"], one["queued_at"], None, None, None, "",
                "{}", None if self._is_shared else self._owner, None, 0, entry.lane, int(is_test(one["options"])), None,
                unhashed(one["options"]), environment=environment_name(one.get("environment")), acceptance=compact(one),
                priority=priority_of(one).rank, connections=limited_connections(one),
                is_at_work=int(not self._is_shared), item=item_words(one.get("trigger")),
            )  # fmt: skip

    @contextmanager
    def _within(self) -> Iterator[None]:
        with self._state.writing(self._owner):
            yield

    def _accept(self, entries: Sequence[RunEntry]) -> None:
        if any(one.last_rename != self._state.last_rename for one in entries):
            raise Renamed
        self._insert(entries)

    def polled(self, polled: Polled) -> None:
        state, key = self._state, polled.trigger.key
        with self._within():
            state.triggers.require_unmoved(polled.trigger)
            if polled.place is not None:
                again = state.triggers.unless_asked(polled.trigger, polled.place.look_again_at)
                state.triggers.change(key, **{**polled.place._asdict(), "look_again_at": again})
            for one in polled.ids:
                if (key, one) in state.seen and state.seen[key, one].state == "failing":
                    del state.seen[key, one]
            is_busy = any(one.status in ACTIVE_RUNS for one in state.busy(key.workflow))
            chosen = polled.choose(state.items.unseen(key, polled.ids), polled.asks_if_busy and is_busy)
            for run in state.busy(key.workflow) if chosen.cancels_earlier else ():
                state.runs.change(run.run_id, cancel_requested=1)
            state.items.keep(chosen.items)
            self._accept(chosen.entries)

    def begin(self, key: TriggerKey, on: TurnedOn, place: TriggerPosition, left_out: Sequence[ItemRecord]) -> None:
        with self._within():
            self._state.triggers.turn_on(key, on, place)
            new = set(self._state.items.unseen(key, [one.item for one in left_out]))
            self._state.items.keep(one for one in left_out if one.item in new)

    def notify(self, trigger: TriggerRecord, at: str | None, entries: Sequence[RunEntry]) -> bool:
        with self._within():
            now = self._state.triggers.get(trigger.key)
            if now is None or now.alarmed_at != trigger.alarmed_at:
                return False
            self._state.triggers.change(trigger.key, alarmed_at=at)
            self._accept(entries)
            return True

    def revive(self, item: ItemRecord, entry: RunEntry) -> bool:
        with self._within():
            known = self._state.seen[item.key, item.item]
            if known.state != "dead":
                return False
            run_id = entry.acceptance["run_id"]
            started = known._replace(state="started", run_id=run_id, error=None, value=None)
            self._state.seen[item.key, item.item] = started
            self._accept([entry])
            return True


class MemoryEffects:
    """The ledger, for one process."""

    def __init__(self, state: MemoryState, owner: str) -> None:
        self._state, self.owner = state, owner

    def _done(self, change: Callable[[], T]) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            with self._state.writing(self.owner):
                future.set_result(change())
        except Fenced as error:
            future.set_exception(JournalBroken(error))
        return future

    def _put(self, identity: str, **values: Any) -> bool:
        write, entry = self._state.effects_[identity]
        self._state.effects_[identity] = (write, replace(entry, **values))
        return True

    def held(self) -> Held | None:
        return self._state.held

    def is_open(self, identity: str) -> bool:
        known = self._state.effects_.get(identity)
        return known is not None and known[1].state in ("intent", "unknown")

    def made(self, identity: str) -> LedgerEntry | None:
        _, known = self._state.effects_.get(identity, (None, None))
        return known if known is not None and known.is_made and known.state in ("intent", "done") else None

    def claim(self, write: IntendedWrite, at: str) -> asyncio.Future[Claimed | Held]:
        def change() -> Claimed | Held:
            _, known = self._state.effects_.get(write.identity, (None, None))
            if (known is None or not known.is_made) and self._state.held is not None:
                return self._state.held
            if known is not None and known.state != "undone":
                return Claimed(known)
            generation = known.generation if known else 0
            entry = LedgerEntry(
                "intent", write.run_id, write.path, write.arguments_hash, moment_of(at), None, None, None, 1,
                generation, self.owner,
            )  # fmt: skip
            self._state.effects_[write.identity] = (write, entry)
            return Claimed(replace(entry, state="new"), self._number())

        return self._done(change)

    def _number(self) -> int:
        self._state.writes += 1
        return self._state.writes

    def take_over(self, write: IntendedWrite, known: LedgerEntry) -> asyncio.Future[int | None]:
        def change() -> int | None:
            now = self._state.effects_[write.identity][1]
            same = (now.state, now.run_id, now.path, now.owner) == ("intent", known.run_id, known.path, known.owner)
            if not same:
                return None
            self._put(write.identity, run_id=write.run_id, path=write.path, owner=self.owner)
            return self._number()

        return self._done(change)

    def sending(self, write: IntendedWrite) -> asyncio.Future[int | None]:
        def change() -> int | None:
            sends = self._state.effects_[write.identity][1].sends + 1
            mine = {"run_id": write.run_id, "path": write.path, "owner": self.owner}
            self._put(write.identity, sends=sends, state="intent", **mine)
            return self._number()

        return self._done(change)

    def still_ours(self) -> asyncio.Future[Any]:
        return self._done(lambda: None)

    def similar(self, write: IntendedWrite, since: str) -> asyncio.Future[list[SimilarWrite]]:
        def change() -> list[SimilarWrite]:
            others = [
                entry
                for other, entry in self._state.effects_.values()
                if (other.account, other.uses) == (write.account, write.uses) and other.identity != write.identity
            ]
            return [
                SimilarWrite(None if one.receipt is None else compact(one.receipt), one.arguments_hash)
                for one in others
                if (one.done_at >= moment_of(since) if one.done_at else one.state != "undone")
            ]

        return self._done(change)

    def begin_update(self, write: IntendedWrite, known: LedgerEntry) -> asyncio.Future[bool]:
        def change() -> bool:
            now = self._state.effects_[write.identity][1]
            as_read = (known.arguments_hash, known.run_id, known.path)
            if now.state != "done" or (now.arguments_hash, now.run_id, now.path) != as_read:
                return False
            mine = {"run_id": write.run_id, "path": write.path, "owner": self.owner}
            return self._put(write.identity, state="intent", arguments_hash="", **mine)

        return self._done(change)

    def end_update(self, write: IntendedWrite, known: LedgerEntry, arguments_hash: str) -> asyncio.Future[Any]:
        values = {"arguments_hash": arguments_hash, "run_id": known.run_id, "path": known.path}
        return self._done(lambda: self._put(write.identity, state="done", **values))

    def record(self, write: IntendedWrite, at: str, receipt: str, output: str) -> asyncio.Future[Any]:
        values: dict[str, Any] = {
            "state": "done", "done_at": moment_of(at), "receipt": json.loads(receipt), "output": json.loads(output),
            "arguments_hash": write.arguments_hash, "run_id": write.run_id, "path": write.path,
        }  # fmt: skip
        return self._done(lambda: self._put(write.identity, **values))

    def forget(self, write: IntendedWrite) -> asyncio.Future[Any]:
        def change() -> int:
            known = self._state.effects_.get(write.identity)
            is_open = known is not None and known[1].state not in ("done", "undone") and known[1].receipt is None
            return self._withdraw([write.identity]) if is_open else 0

        return self._done(change)

    def _withdraw(self, identities: Sequence[str]) -> int:
        for one in identities:
            if self._state.effects_[one][1].generation > 0:
                self._put(one, state="undone")
            else:
                del self._state.effects_[one]
        return len(identities)

    def question(self, write: IntendedWrite) -> asyncio.Future[Any]:
        return self._done(lambda: self._put(write.identity, state="unknown", run_id=write.run_id, path=write.path))

    def question_damaged(self, write: IntendedWrite, at: str) -> asyncio.Future[Any]:
        fresh: Mapping[str, Any] = {"done_at": None, "receipt": None, "output": None, "sends": 1}
        mine = {"run_id": write.run_id, "path": write.path, "arguments_hash": write.arguments_hash}
        values = {**fresh, **mine, "intended_at": moment_of(at)}
        return self._done(lambda: self._put(write.identity, state="unknown", **values))

    def undone(self, identity: str, generation: int, at: str) -> asyncio.Future[bool]:
        def change() -> bool:
            known = self._state.effects_.get(identity)
            if known is None or known[1].generation != generation or not known[1].is_made:
                return False
            if known[1].state not in ("done", "intent"):
                return False
            return self._put(identity, state="undone", done_at=moment_of(at), generation=generation + 1)

        return self._done(change)

    def answer(self, run_id: str, path: str | None, receipt: str | None) -> asyncio.Future[int]:
        def change() -> int:
            asked = [
                identity
                for identity, (_, one) in self._state.effects_.items()
                if (one.run_id, one.state) == (run_id, "unknown") and path in (None, one.path)
            ]
            if receipt is None:
                return self._withdraw(asked)
            told = {"id": receipt, "url": receipt if "://" in receipt else ""}
            for one in asked:
                self._put(one, state="done", receipt=told, output=told)
            return len(asked)

        return self._done(change)


class MemorySpent(_Part):
    """What was counted."""

    def of(self, pots: Sequence[Pot]) -> Mapping[Pot, Amount]:
        return {pot: self._state.counted[pot] for pot in pots if pot in self._state.counted}

    def in_flight(self, at: str) -> Mapping[Pot, Amount]:
        found: dict[Pot, Amount] = {}
        for one, owner, amount in self._state.reserved.values():
            if one.over_at > at and owner in self._state.owners:
                found.update({pot: found.get(pot, Amount()).plus(amount) for pot in one.pots})
        return found

    def daily(self, kind: str, first: str, last: str) -> list[tuple[Pot, Amount]]:
        counted = sorted(self._state.counted.items())
        return [
            (pot, one) for pot, one in counted if pot.scope.startswith(f"use:{kind}:") and first <= pot.period <= last
        ]

    def of_last_runs(self, workflow_id: str, limit: int, *, demo: bool) -> list[Amount]:
        runs = [one for _, one in sorted(self._state.runs_.items(), reverse=True) if bool(one.demo) is demo]
        good = [one for one in runs if one.status == RunStatus.SUCCEEDED and one.workflow == workflow_id]
        pots = [Pot(f"run:{one.run_id}", "") for one in good if not one.is_test]
        return [self._state.counted[pot] for pot in pots if pot in self._state.counted][:limit]

    def paused(self) -> list[str]:
        runs = self._state.runs_
        return sorted(one for one in self._state.paused if one in runs and runs[one].ended_at is None)

    def resume(self, run_ids: Sequence[str], at: str) -> None:
        with self._state.writing():
            for run_id in run_ids:
                self._state.paused.pop(run_id, None)
                run = self._state.runs_.get(run_id)
                if run is not None and run.status == RunStatus.WAITING:
                    self._state.runs.change(run_id, due_at=at)


class MemoryLoads(_Part):
    """How much work there is."""

    def now(self) -> Load:
        open_runs = [one for one in self._state.runs_.values() if one.ended_at is None]
        return Load(
            open_runs=Counter(one.status for one in open_runs),
            ready=self._queued([one for one in open_runs if one.lane is None]),
            in_line=self._queued([one for one in open_runs if one.lane is not None]),
            processes=[OwnerRecord(one, 0, "test", "", "", 30.0) for one in sorted(self._state.owners)],
            used={mode: self._used(f"use:connection:{mode}:") for mode in AccountMode},
        )

    def set_aside(self) -> int:
        return self.now().set_aside

    def _queued(self, runs: Sequence[RunRecord]) -> QueuedRuns:
        queued = [one for one in runs if one.status == RunStatus.QUEUED]
        return QueuedRuns(len(queued), min((one.queued_at for one in queued if one.started_at is None), default=None))

    def _used(self, scope: str) -> Amount:
        found = [amount for pot, amount in self._state.counted.items() if pot.scope.startswith(scope)]
        return reduce(Amount.plus, found, Amount())


class MemorySpending:
    """Counts calls, for one process."""

    def __init__(self, state: MemoryState, owner: str) -> None:
        self._state, self._owner = state, owner

    def reserve(self, wanted: Reservation, decide: Decide) -> asyncio.Future[Verdict]:
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        try:
            with self._state.writing(self._owner):
                future.set_result(self._reserved(wanted, decide))
        except Fenced as error:
            future.set_exception(JournalBroken(error))
        return future

    def _reserved(self, wanted: Reservation, decide: Decide) -> Verdict:
        verdict = decide(PotLevel(self._state.spent.of(wanted.pots), self._in_flight(wanted)))
        if verdict.amount is not None:
            self._add(wanted.pots, verdict.amount)
            self._state.reserved[wanted.id] = wanted, self._owner, verdict.amount
            self._state.paused.pop(wanted.run_id, None)
        elif verdict.is_pause:
            self._state.paused.setdefault(wanted.run_id, wanted.at)
        return verdict

    def _in_flight(self, wanted: Reservation) -> dict[Pot, Amount]:
        found: dict[Pot, Amount] = {}
        for one, owner, amount in self._state.reserved.values():
            is_ours = one.run_id != wanted.run_id or owner == self._owner
            if one.over_at > wanted.at and owner in self._state.owners and is_ours:
                found.update({pot: found.get(pot, Amount()).plus(amount) for pot in one.pots})
        return found

    def settle(self, reserved: Reservation, amount: Amount, answered: Sequence[Pot] = ()) -> None:
        with self._state.writing(self._owner):
            _, _, before = self._state.reserved.pop(reserved.id, (reserved, self._owner, Amount()))
            self._add(reserved.pots, amount.minus(before))
            self._add(answered, amount)

    def is_paused(self, run_id: str) -> bool:
        return run_id in self._state.paused

    def _add(self, pots: Iterable[Pot], amount: Amount) -> None:
        for pot in pots:
            self._state.counted[pot] = self._state.counted.get(pot, Amount()).plus(amount)


class MemoryApprovals(_Part):
    """Questions to people, and the answers."""

    def found(self, state: str | None, limit: int) -> list[ApprovalRecord]:
        asked = sorted(self._state.asked.values(), key=lambda one: one.id)
        asked.sort(key=lambda one: one.asked_at, reverse=True)
        return [one for one in asked if state in (None, one.state)][:limit]

    def count_open(self) -> int:
        return len(self.found("open", len(self._state.asked)))

    def open_like(self, *patterns: str) -> list[str]:
        forms = [re.compile(re.escape(one).replace("%", ".*").replace("_", "."), re.DOTALL) for one in patterns]
        asked = self.found("open", len(self._state.asked))
        return [one.id for one in asked if any(form.fullmatch(str(text)) for form in forms for text in one)]

    def get(self, question: str) -> ApprovalRecord | None:
        return self._state.asked.get(question)

    def answer(self, answered: ApprovalRecord) -> bool:
        with self._state.writing():
            known = self._state.asked.get(answered.id)
            at = answered.answered_at or ""
            if known is None or known.state != "open" or (known.expires_at is not None and known.expires_at <= at):
                return False
            told = {
                name: getattr(answered, name) for name in ("state", "answered_at", "answered_by", "comment", "edited")
            }
            self._state.asked[known.id] = known._replace(**told)
            run = self._state.runs_.get(known.run_id)
            if run is not None and run.status == RunStatus.WAITING:
                self._state.runs.change(known.run_id, due_at=at)
            return True

    def unnotified(self, limit: int) -> list[ApprovalRecord]:
        asked = [one for one in self._state.asked.values() if one.state == "open" and one.notified_at is None]
        return sorted(asked, key=lambda one: (one.asked_at, one.id))[:limit]

    def notified(self, question: str, at: str) -> None:
        with self._state.writing():
            self._state.asked[question] = self._state.asked[question]._replace(notified_at=at)


class MemoryDebugging(_Part):
    """How far debug runs may go."""

    def get(self, run_id: str) -> DebugState | None:
        return self._state.debugged.get(run_id)

    def change(self, run_id: str, change: Callable[[DebugState | None], DebugState], at: str) -> bool:
        with self._state.writing():
            run = self._state.runs_.get(run_id)
            if run is None or run.ended_at is not None:
                return False
            self._state.debugged[run_id] = change(self._state.debugged.get(run_id))
            if run.status == RunStatus.WAITING:
                self._state.runs.change(run_id, due_at=at)
            return True


class MemoryQuestions:
    """What the runs of one process ask."""

    def __init__(self, state: MemoryState, owner: str) -> None:
        self._state, self._owner = state, owner

    def ask(self, question: ApprovalRecord) -> None:
        with self._state.writing(self._owner):
            self._state.asked[question.id] = question

    def get(self, question: str) -> ApprovalRecord | None:
        return self._state.asked.get(question)

    def approved(self, run_id: str, path: str, call_hash: str) -> ApprovalRecord | None:
        asked = self._state.asked.values()
        found = [one for one in asked if (one.run_id, one.path, one.call_hash) == (run_id, path, call_hash)]
        ended = [one for one in found if one.state != "open"]
        last = max(ended, key=lambda one: (one.answered_at or "", one.state == "approved"), default=None)
        return last if last is not None and last.state == "approved" else None

    def expire(self, question: str, at: str) -> asyncio.Future[bool]:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        future.set_result(self._end(question, "expired", at))
        return future

    def withdraw(self, question: str, at: str) -> None:
        self._end(question, "withdrawn", at)

    def _end(self, question: str, state: str, at: str) -> bool:
        with self._state.writing(self._owner):
            known = self._state.asked.get(question)
            if known is None or known.state != "open":
                return False
            self._state.asked[question] = known._replace(state=state, answered_at=at)
            return True
