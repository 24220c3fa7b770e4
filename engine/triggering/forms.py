"""Forms of triggers: at which address each is, what a stranger who has the address may see, and what they send."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec import Struct

from engine.base.clock import Clock, timestamp
from engine.base.errors import OrchestraError, UnknownName
from engine.forms.fields import FormFields
from engine.forms.inbox import Inbox, Put, SentFile, Submission
from engine.forms.page_ids import new_page_id, submission_of
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.store.triggering.triggered_runs import TriggeredRuns
from engine.store.triggering.triggers import TriggerRecord, TriggerStore
from engine.triggering.addresses import NotOpen, TriggerAddresses
from engine.triggering.polling.polling_loop import MOST_QUEUED
from engine.triggering.polling.resolver import NamedTrigger, TriggerResolver

PATH = "/forms/"


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

    addresses: TriggerAddresses
    runs: TriggeredRuns
    rows: TriggerStore
    resolver: TriggerResolver
    audit: Audit
    clock: Clock
    secret: Callable[[], bytes]
    public_url: Callable[[], str]
    wake: Callable[[], None]
    """Has the trigger look at once, in a process that serves."""


class Forms:
    """The `forms` area; any thread. What strangers may do takes no Principal, but the address of the form."""

    def __init__(self, parts: FormParts) -> None:
        self._parts, self._addresses = parts, parts.addresses

    @operation("forms.list", "view", "see forms", "List forms", "GET /api/triggers/forms", answer="forms")
    def list(self, p: Principal, workflow: str | None = None) -> builtins.list[FormStatus]:
        """List the forms of all workflows that can be read, or of one: their addresses and submissions.

        Raises UnknownName, InvalidFile for that one.
        """
        return [self._status(one) for one in self._addresses.every(p, workflow)]

    @operation("forms.get", "view", "see forms", "Read a form")
    def get(self, p: Principal, workflow: str, trigger: str) -> FormStatus:
        """Return the form of a trigger. Raises UnknownName, InvalidFile, InvalidInput (it has none)."""
        return self._status(self._addresses.named(workflow, trigger))

    @operation("forms.rotate", "edit", "change the addresses of forms", "Change the address of a form")
    def rotate(self, p: Principal, workflow: str, trigger: str) -> FormStatus:
        """Give a form another address; the old one stops working. Raises as `get`."""
        named = self._addresses.named(workflow, trigger)
        self._addresses.renew(named)
        self._parts.audit.record(p, "forms.rotate", workflow, {"trigger": trigger})
        return self._status(named)

    def open(self, token: str) -> OpenForm:
        """Return the form at an address. Raises NoForm, also if its trigger is off or cannot start runs."""
        try:
            named, row = self._addresses.open(token)
        except NotOpen as error:
            raise NoForm from error
        return OpenForm(token, named.fields, row, self._parts.resolver.inbox(named))

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
        self._addresses.tidy()

    def _status(self, named: NamedTrigger) -> FormStatus:
        now = self._addresses.openness(named)
        return FormStatus(
            workflow=named.plan.name,
            trigger=named.trigger.id,
            title=named.fields.title,
            url=f"{self._parts.public_url()}{PATH}{self._addresses.of(named)}",
            is_open=now.is_open,
            open_elsewhere=now.open_elsewhere,
            waiting=now.waiting,
            today=self._parts.resolver.inbox(named).count_of_a_day(),
            last_at=now.last_at,
        )


def public_url(state_dir: Path, configured: str) -> str:
    """Return the address of the server without a slash at its end; empty if no server serves the workspace."""
    if configured:
        return configured.rstrip("/")
    try:
        return str(json.loads((state_dir / "serve.json").read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
