"""Forms of triggers: at which address each is, what a stranger who has the address may see, and what they send."""

from __future__ import annotations

import builtins
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec import Struct

from engine.base.clock import Clock, timestamp
from engine.base.errors import InvalidInput, OrchestraError, UnknownName
from engine.forms.fields import FormFields
from engine.forms.inbox import Inbox, Put, SentFile, Submission
from engine.forms.page_ids import new_page_id, submission_of
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.store.settings import Settings
from engine.store.triggering.triggered_runs import TriggeredRuns
from engine.store.triggering.triggers import SeenItems, TriggerRecord, TriggerStore
from engine.triggering.polling.polling_loop import MOST_QUEUED
from engine.triggering.polling.resolver import FORM, NamedTrigger, TriggerResolver

PATH = "/forms/"
_SETTING = "form."
_TAKEN = frozenset({"started", "skipped", "dismissed"})
"""States of items whose submissions are needed no more; a dead one may be tried again."""


class NoForm(UnknownName):
    """No form has this address, or it is switched off: strangers do not learn which."""

    def __init__(self) -> None:
        super().__init__("form", "of this address")


class FormBusy(OrchestraError):
    """A form takes no more at the moment."""

    def __init__(self, message: str, retry_after_seconds: int, *, is_full: bool) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.is_full = is_full
        """Whether too much waits for its turn; else too much has come today."""


@dataclass(frozen=True)
class FormStatus:
    """The form of a trigger, for people of the workspace."""

    workflow: str
    trigger: str
    title: str
    url: str
    """Its address: with the name under which this server is known, else only its path."""
    is_open: bool
    """Whether strangers see it: its trigger is on, for the accounts in use here."""
    open_elsewhere: Literal["", "demo", "mine"]
    """Where it is on for accounts that are not in use here: a server that uses those shows it to strangers."""
    waiting: int
    """Submissions that no run has yet."""
    today: int
    """Submissions of the last 24 hours."""
    last_at: str | None
    """When the newest came."""


class OpenForm(Struct, frozen=True):
    """A form that strangers may fill in now."""

    token: str
    fields: FormFields
    row: TriggerRecord
    inbox: Inbox


class FormParts(Struct, frozen=True):
    """What the area is built from."""

    rows: TriggerStore
    items: SeenItems
    runs: TriggeredRuns
    resolver: TriggerResolver
    settings: Settings
    audit: Audit
    clock: Clock
    secret: Callable[[], bytes]
    state_dir: Path
    public_url: Callable[[], str]
    workflows: Callable[[], builtins.list[str]]
    wake: Callable[[], None]
    """Has the trigger look at once, in a process that serves."""


class Forms:
    """The `forms` area; any thread. What strangers may do takes no Principal, but the address of the form."""

    def __init__(self, parts: FormParts) -> None:
        self._parts, self._resolver = parts, parts.resolver

    @operation("forms.list", "view", "see forms", "List forms", "GET /api/triggers/forms", answer="forms")
    def list(self, p: Principal, workflow: str | None = None) -> builtins.list[FormStatus]:
        """List the forms of all workflows that can be read, or of one: their addresses and submissions.

        Raises UnknownName, InvalidFile for that one.
        """
        found: builtins.list[FormStatus] = []
        for name in [workflow] if workflow is not None else filter(p.sees, self._parts.workflows()):
            try:
                plan = self._resolver.plan(name)
            except OrchestraError:
                if workflow is not None:
                    raise
                continue
            named = (self._resolver.of_plan(plan, one.id) for one in plan.triggers if one.kind.name == FORM)
            found += [self._status(one) for one in named]
        return found

    @operation("forms.get", "view", "see forms", "Read a form")
    def get(self, p: Principal, workflow: str, trigger: str) -> FormStatus:
        """Return the form of a trigger. Raises UnknownName, InvalidFile, InvalidInput (it has none)."""
        return self._status(self._named(workflow, trigger))

    @operation("forms.rotate", "edit", "change the addresses of forms", "Change the address of a form")
    def rotate(self, p: Principal, workflow: str, trigger: str) -> FormStatus:
        """Give a form another address; the old one stops working. Raises as `get`."""
        named = self._named(workflow, trigger)
        self._parts.settings.put(_key(named.plan.id, trigger), secrets.token_urlsafe(24))
        self._parts.audit.record(p, "forms.rotate", workflow, {"trigger": trigger})
        return self._status(named)

    def open(self, token: str) -> OpenForm:
        """Return the form at an address. Raises NoForm, also if its trigger is off or cannot start runs."""
        place = self._place(token)
        row = None if place is None else self._row(*place)
        if row is None:
            raise NoForm
        try:
            named = self._resolver.of_row(row)
            account = self._resolver.known_account(named)
            is_open = not self._resolver.is_resting(row) and account == row.account
            if named.trigger.kind.name != FORM or not is_open or self._resolver.disagreement(named) is not None:
                raise NoForm
        except OrchestraError as error:
            raise NoForm from error
        return OpenForm(token, named.fields, row, self._resolver.inbox(named))

    def new_page(self, form: OpenForm) -> str:
        """Return the id of a new page of a form: all that is sent from this page has it."""
        return new_page_id(self._parts.secret(), form.token, self._parts.clock())

    def submission_of(self, form: OpenForm, page_id: str) -> str | None:
        """Return the id of the submission that a page makes; None if the page is too old, or not ours."""
        return submission_of(self._parts.secret(), form.token, page_id, self._parts.clock())

    def require_room(self, form: OpenForm) -> None:
        """Raise FormBusy if the queue is full, or enough has come for a day. Raises StorageError."""
        waiting = len(form.inbox.ids())
        queued = self._parts.runs.queued_count(form.row.workflow, form.row.trigger)
        if waiting + queued >= MOST_QUEUED:
            raise FormBusy("Too many submissions wait for their turn.", 600, is_full=True)
        if form.inbox.count_of_a_day() >= form.fields.per_day:
            raise FormBusy("This form has been sent as often as it may be in a day.", 3600, is_full=False)

    def submit(
        self,
        form: OpenForm,
        draft: Path,
        id_: str,
        values: Mapping[str, str | float | bool | None],
        files: Mapping[str, SentFile],
    ) -> Put:
        """Keep a submission, whose files are in a draft of the form's inbox; it is safe when this returns.

        Its run starts when the trigger has looked, at once if this process serves. Raises StorageError.
        """
        put = form.inbox.put(draft, Submission(id_, timestamp(self._parts.clock()), values, files))
        if put == "new":
            self._parts.rows.ask(form.row.key, timestamp(self._parts.clock()))
            self._parts.wake()
        return put

    def tidy(self) -> None:
        """Delete submissions that are runs now. Raises StorageError."""
        for row in self._parts.rows.all():
            if row.uses == FORM:
                inbox = self._resolver.inbox_of(row)
                for id_ in inbox.ids():
                    item = self._parts.items.find(row.workflow, row.trigger, id_)
                    if item is not None and item.state in _TAKEN:
                        inbox.take(id_)
                inbox.forget()

    def _named(self, workflow: str, trigger: str) -> NamedTrigger:
        named = self._resolver.named(workflow, trigger)
        if named.trigger.kind.name != FORM:
            raise InvalidInput(
                f"The trigger {trigger!r} of {workflow!r} has no form: it is {named.trigger.kind.name}.",
                remedy=f"Name one whose `uses` is {FORM}.",
            )
        return named

    def _status(self, named: NamedTrigger) -> FormStatus:
        token = self._token(named)
        inbox = self._resolver.inbox(named)
        row = self._row(named.plan.id, named.trigger.id)
        try:
            is_open = bool(self.open(token).token)
        except NoForm:
            is_open = False
        return FormStatus(
            workflow=named.plan.name,
            trigger=named.trigger.id,
            title=named.fields.title,
            url=f"{self._parts.public_url()}{PATH}{token}",
            is_open=is_open,
            open_elsewhere=_elsewhere(row) if row is not None and self._is_resting(row) else "",
            waiting=len(self._unseen(row, inbox)),
            today=inbox.count_of_a_day(),
            last_at=None if row is None else row.item_at,
        )

    def _unseen(self, row: TriggerRecord | None, inbox: Inbox) -> builtins.list[str]:
        ids = inbox.ids()
        return ids if row is None else self._parts.items.unseen(row.key, ids)

    def _token(self, named: NamedTrigger) -> str:
        """Return the secret part of a form's address, which is made when somebody first asks for it."""
        key = _key(named.plan.id, named.trigger.id)
        if not (token := self._parts.settings.get(key)):
            self._parts.settings.change(key, lambda before: before or secrets.token_urlsafe(24))
            token = self._parts.settings.get(key)  # another process may have made one first
        return token

    def _place(self, token: str) -> tuple[str, str] | None:
        """Return (id of the workflow, trigger) of an address."""
        found = None
        # All are compared, each in constant time, so that the time taken gives no address away.
        for key, known in self._parts.settings.with_prefix(_SETTING).items():
            if hmac.compare_digest(known.encode(), token.encode("utf-8", "replace")):
                found = key
        return None if found is None else _of_key(found)

    def _row(self, workflow_id: str, trigger: str) -> TriggerRecord | None:
        """Return the row of a form that is on for the accounts in use, else any that is on."""
        rows = [row for row in self._parts.rows.on() if (row.workflow, row.trigger) == (workflow_id, trigger)]
        awake = [row for row in rows if not self._is_resting(row)]
        return next(iter([*awake, *rows]), None)

    def _is_resting(self, row: TriggerRecord) -> bool:
        try:
            return self._resolver.is_resting(row)
        except OrchestraError:
            return True


def _elsewhere(row: TriggerRecord) -> Literal["demo", "mine"]:
    return "demo" if row.demo else "mine"


def _key(workflow_id: str, trigger: str) -> str:
    return _SETTING + json.dumps([workflow_id, trigger])


def _of_key(key: str) -> tuple[str, str]:
    workflow_id, trigger = json.loads(key.removeprefix(_SETTING))
    return workflow_id, trigger


def public_url(state_dir: Path, configured: str) -> str:
    """Return the address of the server without a slash at its end; empty if no server serves the workspace."""
    if configured:
        return configured.rstrip("/")
    try:
        return str(json.loads((state_dir / "serve.json").read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
