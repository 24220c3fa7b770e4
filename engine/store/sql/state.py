"""The state of a workspace: all ports on one database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.base.threads import shared_property
from engine.store.broadcasts import ChangeWatch
from engine.store.reports import Reports
from engine.store.sql.acceptances import SqlAcceptances
from engine.store.sql.approvals import SqlApprovals, SqlQuestions
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.bounces import SqlBounces
from engine.store.sql.debugging import SqlDebuggedRuns, SqlDebugging
from engine.store.sql.journal import SqlJournal
from engine.store.sql.ledger import SqlEffects, SqlReceipts
from engine.store.sql.mail_waits import SqlMailWaits, SqlOwnMailWaits
from engine.store.sql.own_runs import SqlCalledRuns, SqlDueRuns, SqlOwnRuns
from engine.store.sql.people.api_tokens import SqlTokens
from engine.store.sql.people.audit import SqlAudit
from engine.store.sql.people.identities import SqlIdentities
from engine.store.sql.people.people import SqlPeople
from engine.store.sql.people.sign_ins import SqlLoginTries, SqlSignIns
from engine.store.sql.proof import SqlProof
from engine.store.sql.renames import SqlRenames
from engine.store.sql.runs import SqlRuns
from engine.store.sql.settings import SettingsTable
from engine.store.sql.spending import SqlSpending, SqlSpent
from engine.store.sql.triggering.account_notices import SqlAccountNotices
from engine.store.sql.triggering.items import SqlItems
from engine.store.sql.triggering.runs import SqlTriggeredRuns
from engine.store.sql.triggering.triggers import SqlTriggers
from engine.store.sql.workers.claims import SqlClaims
from engine.store.sql.workers.owners import SqlOwners
from engine.store.state import Records

if TYPE_CHECKING:
    from engine.store.sql.demo import SqlDemoData
    from engine.store.sql.load import SqlLoads
    from engine.store.sql.old_runs import SqlOldRuns
    from engine.store.sql.workers.run_queue import SqlRunQueue


class SqlState:
    """The ports, each made when it is first used: a command needs few of them, and some are imported only then."""

    def __init__(self, database: StateDatabase, replica: Callable[[], StateDatabase] | None = None) -> None:
        """`replica`: opens a database with the same rows, a little later, which is only read."""
        self._database, self._replica = database, replica

    @property
    def is_far(self) -> bool:
        """Whether a read waits for a network."""
        return self._database.is_far

    @property
    def is_read_only(self) -> bool:
        """Whether a write raises StorageError."""
        return self._database.is_read_only

    @shared_property
    def settings(self) -> SettingsTable:
        """Small switches."""
        return SettingsTable(self._database)

    @shared_property
    def audit(self) -> SqlAudit:
        """Who changed what, and when."""
        return SqlAudit(self._database)

    @shared_property
    def people(self) -> SqlPeople:
        """The users."""
        return SqlPeople(self._database)

    @shared_property
    def sign_ins(self) -> SqlSignIns:
        """Their sessions and links."""
        return SqlSignIns(self._database)

    @shared_property
    def identities(self) -> SqlIdentities:
        """Who they are at a sign-in provider."""
        return SqlIdentities(self._database)

    @shared_property
    def api_tokens(self) -> SqlTokens:
        """Their API tokens."""
        return SqlTokens(self._database)

    @shared_property
    def login_tries(self) -> SqlLoginTries:
        """Failed tries to sign in."""
        return SqlLoginTries(self._database)

    @shared_property
    def account_notices(self) -> SqlAccountNotices:
        """Accounts that refuse access."""
        return SqlAccountNotices(self._database)

    @shared_property
    def triggers(self) -> SqlTriggers:
        """Which triggers are on, and how far each has read."""
        return SqlTriggers(self._database)

    @shared_property
    def items(self) -> SqlItems:
        """What triggers have seen."""
        return SqlItems(self._database)

    @shared_property
    def triggered_runs(self) -> SqlTriggeredRuns:
        """What triggers want to know about runs."""
        return SqlTriggeredRuns(self._database)

    @shared_property
    def run_queue(self) -> SqlRunQueue:
        """Runs that wait for their turn."""
        from engine.store.sql.workers.run_queue import SqlRunQueue

        return SqlRunQueue(self._database)

    @shared_property
    def claims(self) -> SqlClaims:
        """Which process works on which runs."""
        return SqlClaims(self._database)

    @property
    def changes(self) -> ChangeWatch:
        """Whether anything has changed."""
        return self._database

    @shared_property
    def runs(self) -> SqlRuns:
        """The list of runs, and the documents of open ones."""
        return SqlRuns(self._database)

    @shared_property
    def old_runs(self) -> SqlOldRuns:
        """Which ended runs may go."""
        from engine.store.sql.old_runs import SqlOldRuns

        return SqlOldRuns(self._database)

    @shared_property
    def approvals(self) -> SqlApprovals:
        """Questions to people."""
        return SqlApprovals(self._database)

    @shared_property
    def debugging(self) -> SqlDebugging:
        """How far debug runs may go."""
        return SqlDebugging(self._database)

    @shared_property
    def mail_waits(self) -> SqlMailWaits:
        """Steps that wait for mail."""
        return SqlMailWaits(self._database)

    @shared_property
    def bounces(self) -> SqlBounces:
        """Reports about mails that runs have sent."""
        return SqlBounces(self._database)

    @shared_property
    def owners(self) -> SqlOwners:
        """The processes that own runs."""
        return SqlOwners(self._database)

    @shared_property
    def demo(self) -> SqlDemoData:
        """What the stand-ins have left."""
        from engine.store.sql.demo import SqlDemoData

        return SqlDemoData(self._database)

    @shared_property
    def renames(self) -> SqlRenames:
        """What follows workflows and steps to new names."""
        return SqlRenames(self._database)

    @shared_property
    def proof(self) -> SqlProof:
        """Whether every write is known."""
        return SqlProof(self._database)

    @shared_property
    def receipts(self) -> SqlReceipts:
        """What is known of each write."""
        return SqlReceipts(self._database)

    @shared_property
    def spent(self) -> SqlSpent:
        """What model calls have used."""
        return SqlSpent(self._database)

    @shared_property
    def loads(self) -> SqlLoads:
        """How much work there is."""
        from engine.store.sql.load import SqlLoads

        return SqlLoads(self._database)

    @shared_property
    def reports(self) -> Reports:
        """Lists and reports for people."""
        replica = self._replica
        return Reports(self, None if replica is None else lambda: SqlState(replica()))

    def records(self, owner: str, *, announces: bool = False) -> Records:
        """Open the journal of a process. Call this on the engine's loop."""
        journal = SqlJournal(self._database, owner)
        return Records(
            journal=journal,
            runs=SqlOwnRuns(journal, self._database.announce_runs if announces else None),
            called=SqlCalledRuns(journal),
            due=SqlDueRuns(journal),
            questions=SqlQuestions(journal),
            debugged=SqlDebuggedRuns(journal),
            mail_waits=SqlOwnMailWaits(journal),
            effects=SqlEffects(journal),
            spending=SqlSpending(journal),
        )

    def acceptances(self, owner: str, *, shared: bool = False, waits: bool = False) -> SqlAcceptances:
        """Return the port that accepts runs for a process or, if it is `shared`, for any worker.

        `waits`: they begin once the process claims them, and not at once.
        """
        return SqlAcceptances(self._database, owner, shared=shared, waits=waits)

    def close(self) -> None:
        """Close the database, and the replica."""
        self.reports.close()
        self._database.close()
