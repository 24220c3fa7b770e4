"""The state of a workspace: every port, from one implementation."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from engine.store.acceptances import Acceptances
from engine.store.approvals import ApprovalStore, Questions
from engine.store.bounces import Bounces
from engine.store.broadcasts import ChangeWatch
from engine.store.claims import Claims
from engine.store.debugging import DebuggedRuns, DebugStore
from engine.store.demo import DemoData
from engine.store.held import StateProof
from engine.store.journal import CalledRuns, DueRuns, Journal, OwnRuns
from engine.store.ledger import Effects, Receipts
from engine.store.load import Loads
from engine.store.mail_waits import MailWaits, OwnMailWaits
from engine.store.owners import Owners
from engine.store.people.api_tokens import TokenStore
from engine.store.people.audit import AuditLog
from engine.store.people.identities import Identities
from engine.store.people.people import People
from engine.store.people.sign_ins import LoginTries, SignInStore
from engine.store.renames import RenameStore
from engine.store.reports import Reports
from engine.store.runs import OldRuns, RunStore
from engine.store.settings import Settings
from engine.store.spending import Spending, SpendingStore
from engine.store.triggering.account_notices import AccountNoticeStore
from engine.store.triggering.triggered_runs import RunQueue, TriggeredRuns
from engine.store.triggering.triggers import SeenItems, TriggerStore


class Records(Struct, frozen=True):
    """The journal of a process, and all that is recorded through it, in its transactions."""

    journal: Journal
    runs: OwnRuns
    called: CalledRuns
    due: DueRuns
    questions: Questions
    debugged: DebuggedRuns
    mail_waits: OwnMailWaits
    effects: Effects
    spending: Spending


class State(Protocol):
    """What is kept for a workspace. Each part is its own port; close the whole when done."""

    @property
    def is_far(self) -> bool:
        """Whether a read waits for a network; an event loop must then not make it itself."""

    @property
    def is_read_only(self) -> bool:
        """Whether it was opened to be read alone: a write raises StorageError."""

    @property
    def settings(self) -> Settings:
        """Small switches."""

    @property
    def audit(self) -> AuditLog:
        """Who changed what, and when."""

    @property
    def people(self) -> People:
        """The users."""

    @property
    def sign_ins(self) -> SignInStore:
        """The sessions and sign-in links of users."""

    @property
    def identities(self) -> Identities:
        """Who users are at a sign-in provider."""

    @property
    def api_tokens(self) -> TokenStore:
        """The API tokens of users."""

    @property
    def login_tries(self) -> LoginTries:
        """Failed tries to sign in."""

    @property
    def account_notices(self) -> AccountNoticeStore:
        """Accounts that refuse access."""

    @property
    def triggers(self) -> TriggerStore:
        """Which triggers are on, and how far each has read."""

    @property
    def items(self) -> SeenItems:
        """What triggers have seen."""

    @property
    def triggered_runs(self) -> TriggeredRuns:
        """What triggers want to know about runs."""

    @property
    def run_queue(self) -> RunQueue:
        """Runs that wait for their turn."""

    @property
    def claims(self) -> Claims:
        """Which process works on which runs."""

    @property
    def changes(self) -> ChangeWatch:
        """Whether anything in the state has changed."""

    @property
    def runs(self) -> RunStore:
        """The list of runs, and the documents of open ones."""

    @property
    def old_runs(self) -> OldRuns:
        """Which ended runs may go."""

    @property
    def approvals(self) -> ApprovalStore:
        """Questions to people."""

    @property
    def debugging(self) -> DebugStore:
        """How far debug runs may go."""

    @property
    def mail_waits(self) -> MailWaits:
        """Steps that wait for mail."""

    @property
    def bounces(self) -> Bounces:
        """Reports about mails that runs have sent."""

    @property
    def owners(self) -> Owners:
        """The processes that own runs."""

    @property
    def demo(self) -> DemoData:
        """What the stand-ins have left."""

    @property
    def renames(self) -> RenameStore:
        """What follows workflows and steps to new names."""

    @property
    def proof(self) -> StateProof:
        """Whether every write is known."""

    @property
    def receipts(self) -> Receipts:
        """What is known of each write."""

    @property
    def spent(self) -> SpendingStore:
        """What model calls have used."""

    @property
    def loads(self) -> Loads:
        """How much work there is."""

    @property
    def reports(self) -> Reports:
        """Lists and reports for people, from a replica if there is one."""

    def records(self, owner: str, *, announces: bool = False) -> Records:
        """Open the journal of a process. Call this on the engine's loop.

        `announces`: whether processes that wait for runs hear when one of this process is no longer at work.
        """

    def acceptances(self, owner: str, *, shared: bool = False, waits: bool = False) -> Acceptances:
        """Return the port that accepts runs for a process or, if it is `shared`, for any worker.

        `waits`: they begin once the process claims them, and not at once.
        """

    def close(self) -> None:
        """Close the state; what was stored is on disk without this, too."""
