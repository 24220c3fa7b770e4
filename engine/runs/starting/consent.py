"""What somebody must agree to before a workflow starts: the real accounts and public repositories it touches.

Every run is accepted through `Consents.require` (engine/runs/starting/acceptor.py), no matter who or what starts it. A
user interface shows what ConfirmationNeeded lists, asks, and passes the names on in `Principal.confirmed`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from clients.deadline import deadline
from clients.errors import AuthError, NotFound, ServiceError
from engine.base.errors import ConfirmationNeeded
from engine.base.json_text import JsonObject
from engine.base.names import branch_parts, require_no_branch, workflow_id_of
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Plan
from engine.connections.accounts import Account, Accounts
from engine.connections.consents import ConsentStore, account_key
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.record.acceptance import is_demo
from engine.record.types.kind import kind_of
from engine.record.types.run import ConsentRecord, RunOptions, RunStart
from engine.store.acceptances import Renamed

if TYPE_CHECKING:
    from engine.runs.starting.touches import Touches
    from engine.workflows.plan_cache import Defined, PlanCache

_SECONDS = 30.0
_PRIVATE_SECONDS = 60.0
"""How long a repository found to be private is assumed to stay private."""
_ANY = "*"
_AGREE_OF_PROMPT = (
    'Agree to it: `--yes` or `--confirm NAME` at the command line, `"confirmed"` with these names in a request, '
    "or the tick on the page of the prompt."
)
PUBLIC = "public_repository"


class Touch(Struct, frozen=True):
    """Something outside that the runs of a workflow touch, and that needs consent."""

    name: str
    """The name for people and programs: `gmail:me@example.org:write`, `github:acme/app:public`."""
    words: str
    key: str
    """What a stored consent refers to: the account itself, whatever its current name."""
    enough: frozenset[str] = frozenset()
    """Keys of consents that include this one."""
    kind: str = "account"

    def is_in(self, agreed: frozenset[str] | set[str]) -> bool:
        """Return whether somebody has agreed to it."""
        return self.key in agreed or not self.enough.isdisjoint(agreed)


class Consents(Struct):
    """The stored consents of each workflow; any thread."""

    consent_store: ConsentStore
    accounts: Accounts
    audit: Audit
    plans: PlanCache
    services: Callable[[], Mapping[str, str]]
    """The service of each connection of the workspace."""
    last_rename: Callable[[], str]
    _private: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _seen_private: set[tuple[str, str]] = field(default_factory=set)
    """Each (connection, repository) that was last reported as private; used while the service is down."""

    def require(
        self,
        p: Principal,
        plan: Plan,
        inputs: JsonObject,
        modes: Mapping[str, AccountMode],
        default_mode: AccountMode,
        *,
        above: RunStart | None = None,
    ) -> list[str]:
        """Record and return what `p` agrees to now; [] if everything was agreed to before.

        `inputs`: as far as known. `modes`: of the touched connections; `default_mode`: of steps without a connection.
        `above`: the run at the top of the call chain, if its workflow needs the consent, not the plan's. Raises
        ConfirmationNeeded, ServiceError if the owner of a new account cannot be determined, and Renamed if a workflow
        was renamed or deleted meanwhile: the next one of its name would inherit the consent.
        """
        name = plan.name if above is None else above["workflow"]
        missing = self.missing(plan, inputs, modes, default_mode, above=above)
        names = [one.name for one in missing]
        if not missing:
            return []
        if not _agrees(p, names):
            raise _needed(name, missing)
        whose, keys = _whose(plan, above), {one.key for one in missing}
        self.consent_store.add(whose, keys)
        if above is None and self.last_rename() != plan.last_rename:
            self.consent_store.withdraw(whose, keys)
            raise Renamed
        self.audit.record(p, "runs.confirm", name, {"confirmed": names})
        return names

    def require_models(self, p: Principal, prompt: str, connections: Iterable[str]) -> None:
        """Record that `p` agrees now to ask real accounts with a prompt, unless that was agreed to before.

        Raises ConfirmationNeeded, which lists all of them, and ServiceError if the owner of an account cannot be
        determined.
        """
        asked = [self.missing_model(prompt, one) for one in dict.fromkeys(connections)]
        missing = [one for one in asked if one is not None]
        names = [one.name for one in missing]
        if not missing:
            return
        if not _agrees(p, names):
            raise _needed(prompt, missing, _AGREE_OF_PROMPT)
        self.consent_store.add(_of_prompt(prompt), {one.key for one in missing})
        self.audit.record(p, "prompts.confirm", prompt, {"confirmed": names})

    def missing_model(self, prompt: str, connection: str) -> Touch | None:
        """Return the real account that nobody has agreed to ask with a prompt. Raises ServiceError."""
        stable, label = self._owner(self._opened(connection))
        words = f"the model at {label or stable} (connection {connection})"
        touch = replace(_account(connection, stable, label, writes=False), words=words)
        return None if touch.is_in(self.consent_store.of(_of_prompt(prompt))) else touch

    def follow_prompt(self, name: str, new: str) -> None:
        """Move what was agreed to for a renamed prompt; withdraw it if there is no new name."""
        self.consent_store.move(_of_prompt(name), _of_prompt(new) if new else "")

    def missing(
        self,
        plan: Plan,
        inputs: JsonObject,
        modes: Mapping[str, AccountMode],
        default_mode: AccountMode,
        *,
        above: RunStart | None = None,
    ) -> list[Touch]:
        """Return what nobody has agreed to; services are asked who owns the accounts. Raises ServiceError."""
        if not is_real(plan, modes, default_mode):
            return []
        agreed = self.consent_store.of(_whose(plan, above))
        found = self._touches(plan, inputs)
        whole = [*self._of_accounts(found, modes, default_mode, agreed), *self._of_repositories(found, modes, agreed)]
        return [one for one in dict.fromkeys(whole) if not one.is_in(agreed)]

    def require_may_write(
        self,
        plan: Plan,
        inputs: JsonObject,
        modes: Mapping[str, AccountMode],
        default_mode: AccountMode,
        options: RunOptions,
    ) -> None:
        """Raise InvalidInput if a branch would touch real accounts, or the workspace outside the demo."""
        if not branch_parts(plan.name)[1] or kind_of(options).writes_nothing:
            return
        is_outside_demo = not is_demo(plan, modes, default_mode)
        if is_real(plan, modes, default_mode):
            require_no_branch(plan.name, "does not run on real accounts", "; or run it in the demo, with `--demo`")
        elif is_outside_demo and self._touches(plan, inputs).writes_in_workspace:
            what = "does not write to the tables and files of the workspace"
            require_no_branch(plan.name, what, "; or run it in the demo, with `--demo`")

    def is_known(
        self, plan: Plan, inputs: JsonObject, modes: Mapping[str, AccountMode], default_mode: AccountMode
    ) -> bool:
        """Return whether everything was agreed to, as far as that is known without calling a service."""
        if not is_real(plan, modes, default_mode):
            return True
        agreed, found = self.consent_store.of(plan.id), self._touches(plan, inputs)
        for connection in _mine(modes):
            whose = self.accounts.known_owner(connection)
            writes = connection in found.written
            if whose is None and not _has_any(connection, agreed, writes=writes):
                return False
            if whose is not None and not _account(connection, *whose, writes=writes).is_in(agreed):
                return False
        return not _without_connection(found, default_mode) or _OPEN_WEB.is_in(agreed)

    def _touches(self, plan: Plan, inputs: JsonObject) -> Touches:
        from engine.runs.starting.touches import touches

        return touches(plan, inputs, self._called)

    def _called(self, plan: Plan, name: str) -> Plan:
        about: Defined = {
            "workflow": plan.name,
            "workflow_hash": plan.definition_hash,
            "definition": plan.definition,
            "connections": self.services(),
        }
        return self.plans.called(about, name)

    def _of_accounts(
        self, found: Touches, modes: Mapping[str, AccountMode], default_mode: AccountMode, agreed: frozenset[str]
    ) -> Iterator[Touch]:
        for connection in _mine(modes):
            writes = connection in found.written
            try:
                stable, label = self._owner(self._opened(connection))
            except ServiceError:
                if not _has_any(connection, agreed, writes=writes):
                    raise
                continue  # the run itself reports the problem, and writes nothing before it knows the account
            yield _account(connection, stable, label, writes=writes)
        if _without_connection(found, default_mode):
            yield _OPEN_WEB

    def _of_repositories(
        self, found: Touches, modes: Mapping[str, AccountMode], agreed: frozenset[str]
    ) -> Iterator[Touch]:
        for connection, repository in found.places:
            if modes.get(connection) != AccountMode.MINE:
                continue
            account = self._opened(connection)
            try:
                stable, _ = self._owner(account)
                touch = _repository(connection, stable, repository)
                if touch.is_in(agreed) or (repository is not None and self._is_private(account, stable, repository)):
                    continue
            except ServiceError:
                if repository is None or (connection, repository.lower()) not in self._seen_private:
                    raise
                continue  # it was private at the last check; the run checks the owner of the account
            yield touch

    def _opened(self, connection: str) -> Account:
        return self.accounts.open(connection, None, AccountMode.MINE)

    def _owner(self, account: Account) -> tuple[str, str]:
        with deadline(_SECONDS):
            return account.owner()

    def _is_private(self, account: Account, whose: str, repository: str) -> bool:
        """Return whether a repository is private; a missing one is reported when it is written to.

        Raises ServiceError if this cannot be determined.
        """
        key = (account.connection, whose, repository.lower())
        if time.monotonic() < self._private.get(key, 0.0):
            return True
        try:
            with deadline(_SECONDS):
                is_private = not account.client.is_public(repository)
        except (NotFound, AuthError):
            return True
        if is_private:
            self._private[key] = time.monotonic() + _PRIVATE_SECONDS
            self._seen_private.add((account.connection, repository.lower()))
        return is_private

    def kept(self, workflow_id: str, modes: Mapping[str, AccountMode]) -> ConsentRecord:
        """Return the consent stored with a run: {keys: what was agreed to, labels: whose accounts these are}."""
        labels = {connection: self.accounts.label(connection, AccountMode.MINE) for connection in _mine(modes)}
        return {
            "keys": sorted(self.consent_store.of(workflow_id)),
            "labels": {one: label for one, label in labels.items() if label},
        }


def _of_prompt(prompt: str) -> str:
    """Return where consents for the tries of a prompt are kept; no id of a workflow has a space."""
    return f"prompt {prompt}"


def _agrees(p: Principal, names: list[str]) -> bool:
    return p.confirmed is True or (p.confirmed is not False and p.confirmed.issuperset(names))


def _whose(plan: Plan, above: RunStart | None) -> str:
    return plan.id if above is None else workflow_id_of(above)


def is_real(plan: Plan, modes: Mapping[str, AccountMode], default_mode: AccountMode) -> bool:
    """Return whether runs may touch anything but the demo. `modes`: of the touched connections."""
    return AccountMode.MINE in modes.values() or (plan.calls_openly and default_mode == AccountMode.MINE)


def _mine(modes: Mapping[str, AccountMode]) -> list[str]:
    return [name for name, mode in modes.items() if mode == AccountMode.MINE]


def _without_connection(found: Touches, default_mode: AccountMode) -> bool:
    return found.writes_without_connection and default_mode == AccountMode.MINE


def _account(connection: str, stable: str, label: str, *, writes: bool) -> Touch:
    read, write = (account_key(connection, stable, writes=one) for one in (False, True))
    whose = label or stable
    if writes:
        return Touch(f"{connection}:{whose}:write", f"{connection} of {whose}, to read and write", write)
    return Touch(f"{connection}:{whose}:read", f"{connection} of {whose}, to read", read, frozenset({write}))


def _repository(connection: str, whose: str, repository: str | None) -> Touch:
    every = f"{connection} {whose} public {_ANY}"
    if repository is None:
        words = "repositories that are known only while it runs and may be public"
        return Touch(f"{connection}:{_ANY}:public", words, every, kind=PUBLIC)
    key = f"{connection} {whose} public {repository.lower()}"
    words = f"{repository}, which is public: everybody can read what is written there"
    return Touch(f"{connection}:{repository}:public", words, key, frozenset({every}), kind=PUBLIC)


_OPEN_WEB = Touch("http:public:write", "public addresses, to send something there", "no connection (http) write")


def _has_any(connection: str, agreed: frozenset[str], *, writes: bool) -> bool:
    """Return whether somebody has agreed to any account of a connection."""
    ends = ("write",) if writes else ("read", "write")
    return any(key.startswith(f"{connection} ") and key.endswith(ends) for key in agreed)


def _needed(name: str, missing: list[Touch], remedy: str = "") -> ConfirmationNeeded:
    said = "; ".join(one.words for one in missing)
    message = f"{name!r} would work on what nobody has agreed to: {said}."
    return ConfirmationNeeded(message, [one.name for one in missing], remedy=remedy)
