"""The accounts that people have agreed to for each workflow; a run uses no other real account."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine.base.errors import AccountChanged
from engine.base.names import workflow_id_of
from engine.record.types.run import Acceptance
from engine.store.settings import Settings

if TYPE_CHECKING:
    from engine.connections.accounts import Account


class ConsentStore:
    """The consents, by workflow. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def of(self, workflow: str) -> frozenset[str]:
        """Return the keys that people have agreed to for a workflow."""
        return _keys(self._settings.get(_setting(workflow)))

    def add(self, workflow: str, keys: Iterable[str]) -> None:
        """Add keys that have been agreed to."""
        added = frozenset(keys)
        self._settings.change(_setting(workflow), lambda text: _text(_keys(text) | added))

    def withdraw(self, workflow: str, keys: Iterable[str]) -> None:
        """Take keys back."""
        taken = frozenset(keys)
        self._settings.change(_setting(workflow), lambda text: _text(_keys(text) - taken))

    def move(self, workflow: str, new: str) -> None:
        """Move the keys of a workflow to another one, in place of its own; without `new`, withdraw them."""
        moved: list[str] = []

        def take(text: str) -> None:  # to return None removes the setting
            moved[:] = [text]

        self._settings.change(_setting(workflow), take)
        if new and moved[0]:
            self._settings.put(_setting(new), moved[0])
        elif new:
            self._settings.remove(_setting(new))


def _keys(text: str) -> frozenset[str]:
    return frozenset(json.loads(text)) if text.startswith("[") else frozenset()


def _text(keys: Iterable[str]) -> str | None:
    return json.dumps(sorted(keys), ensure_ascii=False) if keys else None


def account_key(connection: str, whose: str, *, writes: bool) -> str:
    """Return the key of a consent: it holds the account's permanent id, not its current name."""
    return f"{connection} {whose} {'write' if writes else 'read'}"


class ConsentedAccounts(Struct, frozen=True):
    """The accounts that one run may use."""

    consent_store: ConsentStore
    workflows: Collection[str]
    """The run's workflow and its callers: agreeing to a workflow includes the workflows it calls."""
    keys: Collection[str] = ()
    """What had been agreed to when the run was accepted."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """For each connection: the name of its account at that time, for people."""

    @classmethod
    def of_run(cls, consent_store: ConsentStore, acceptance: Acceptance) -> ConsentedAccounts:
        """Return the accounts that an accepted run may use."""
        kept = acceptance.get("agreed") or {}
        workflows = [workflow_id_of(acceptance), *_callers(acceptance.get("caller"))]
        return cls(consent_store, workflows, frozenset(kept.get("keys", ())), kept.get("labels", {}))

    def require(self, account: Account, *, writes: bool) -> None:
        """Check that an account was agreed to; reads state.db and may ask the service (blocking).

        Raises AccountChanged, ServiceError.
        """
        whose, label = account.owner()
        write = account_key(account.connection, whose, writes=True)
        enough = {write} if writes else {write, account_key(account.connection, whose, writes=False)}
        if enough.isdisjoint(self.keys) and all(
            enough.isdisjoint(self.consent_store.of(one)) for one in self.workflows
        ):
            raise AccountChanged(account.connection, label or whose, self._before(account.connection), writes=writes)

    def _before(self, connection: str) -> str:
        """Return the former account of a connection in words; empty if unknown."""
        known = [*self.keys, *(key for one in self.workflows for key in self.consent_store.of(one))]
        accounts = {key.removeprefix(f"{connection} ").rpartition(" ")[0] for key in known if _is_of(key, connection)}
        return self.labels.get(connection) or " or ".join(sorted(accounts))


def _is_of(key: str, connection: str) -> bool:
    return key.startswith(f"{connection} ") and key.endswith((" read", " write"))


def _callers(caller: Any) -> Iterable[str]:
    """Yield the ids of the workflows above a called run: each call ends with the call of its own caller."""
    while isinstance(caller, list) and caller:
        yield str(caller[0])
        caller = caller[-1]


def _setting(workflow: str) -> str:
    return f"confirmed.{workflow}"
