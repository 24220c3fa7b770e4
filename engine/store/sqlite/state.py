"""The state of a workspace in `state.db`: all ports on one database."""

from __future__ import annotations

from functools import cached_property

from engine.store.changes import Changes
from engine.store.sqlite.acceptances import SqliteAcceptances
from engine.store.sqlite.approvals import SqliteApprovals, SqliteQuestions
from engine.store.sqlite.debugging import SqliteDebuggedRuns, SqliteDebugging
from engine.store.sqlite.demo import SqliteDemoData
from engine.store.sqlite.file.database import Database
from engine.store.sqlite.journal import SqliteJournal
from engine.store.sqlite.ledger import SqliteEffects, SqliteReceipts
from engine.store.sqlite.old_runs import SqliteOldRuns
from engine.store.sqlite.own_runs import SqliteCalledRuns, SqliteDueRuns, SqliteOwnRuns
from engine.store.sqlite.owners import SqliteOwners
from engine.store.sqlite.people.api_tokens import SqliteTokens
from engine.store.sqlite.people.audit import SqliteAudit
from engine.store.sqlite.people.people import SqlitePeople
from engine.store.sqlite.people.sign_ins import SqliteLoginTries, SqliteSignIns
from engine.store.sqlite.proof import SqliteProof
from engine.store.sqlite.renames import SqliteRenames
from engine.store.sqlite.run_queue import SqliteRunQueue
from engine.store.sqlite.runs import SqliteRuns
from engine.store.sqlite.settings import SqliteSettings
from engine.store.sqlite.spending import SqliteSpending, SqliteSpent
from engine.store.sqlite.triggering.items import SqliteItems
from engine.store.sqlite.triggering.refusals import SqliteRefusals
from engine.store.sqlite.triggering.runs import SqliteTriggeredRuns
from engine.store.sqlite.triggering.triggers import SqliteTriggers
from engine.store.state import Records


class SqliteState:
    """The ports, each made when it is first used: a command needs few of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @cached_property
    def settings(self) -> SqliteSettings:
        """Small switches."""
        return SqliteSettings(self._database)

    @cached_property
    def audit(self) -> SqliteAudit:
        """Who changed what, and when."""
        return SqliteAudit(self._database)

    @cached_property
    def people(self) -> SqlitePeople:
        """The users."""
        return SqlitePeople(self._database)

    @cached_property
    def sign_ins(self) -> SqliteSignIns:
        """Their sessions and links."""
        return SqliteSignIns(self._database)

    @cached_property
    def api_tokens(self) -> SqliteTokens:
        """Their API tokens."""
        return SqliteTokens(self._database)

    @cached_property
    def login_tries(self) -> SqliteLoginTries:
        """Failed tries to sign in."""
        return SqliteLoginTries(self._database)

    @cached_property
    def refusals(self) -> SqliteRefusals:
        """Accounts that refuse access."""
        return SqliteRefusals(self._database)

    @cached_property
    def triggers(self) -> SqliteTriggers:
        """Which triggers are on, and how far each has read."""
        return SqliteTriggers(self._database)

    @cached_property
    def items(self) -> SqliteItems:
        """What triggers have seen."""
        return SqliteItems(self._database)

    @cached_property
    def triggered_runs(self) -> SqliteTriggeredRuns:
        """What triggers want to know of runs."""
        return SqliteTriggeredRuns(self._database)

    @cached_property
    def run_queue(self) -> SqliteRunQueue:
        """Runs that wait for their turn."""
        return SqliteRunQueue(self._database)

    @property
    def changes(self) -> Changes:
        """Whether anything has changed."""
        return self._database

    @cached_property
    def runs(self) -> SqliteRuns:
        """The list of runs, and the documents of open ones."""
        return SqliteRuns(self._database)

    @cached_property
    def old_runs(self) -> SqliteOldRuns:
        """Which ended runs may go."""
        return SqliteOldRuns(self._database)

    @cached_property
    def approvals(self) -> SqliteApprovals:
        """Questions to people."""
        return SqliteApprovals(self._database)

    @cached_property
    def debugging(self) -> SqliteDebugging:
        """How far debug runs may go."""
        return SqliteDebugging(self._database)

    @cached_property
    def owners(self) -> SqliteOwners:
        """The processes that own runs."""
        return SqliteOwners(self._database)

    @cached_property
    def demo(self) -> SqliteDemoData:
        """What the stand-ins have left."""
        return SqliteDemoData(self._database)

    @cached_property
    def renames(self) -> SqliteRenames:
        """What follows workflows and steps to new names."""
        return SqliteRenames(self._database)

    @cached_property
    def proof(self) -> SqliteProof:
        """Whether every write is known."""
        return SqliteProof(self._database)

    @cached_property
    def receipts(self) -> SqliteReceipts:
        """What is known of each write."""
        return SqliteReceipts(self._database)

    @cached_property
    def spent(self) -> SqliteSpent:
        """What model calls have used."""
        return SqliteSpent(self._database)

    def records(self, owner: str) -> Records:
        """Open the journal of a process. Call this on the engine's loop."""
        journal = SqliteJournal(self._database, owner)
        return Records(
            journal=journal,
            runs=SqliteOwnRuns(journal),
            called=SqliteCalledRuns(journal),
            due=SqliteDueRuns(journal),
            questions=SqliteQuestions(journal),
            debugged=SqliteDebuggedRuns(journal),
            effects=SqliteEffects(journal),
            spending=SqliteSpending(journal),
        )

    def acceptances(self, owner: str) -> SqliteAcceptances:
        """Return the way in for the runs of a process."""
        return SqliteAcceptances(self._database, owner)

    def close(self) -> None:
        """Close the file."""
        self._database.close()
