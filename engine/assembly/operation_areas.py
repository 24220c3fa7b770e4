"""What a person who runs the workspace looks after: users, health, workers, metrics, copies, upkeep, data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from engine.base.threads import shared_property
from engine.people.access import ENGINE, Principal
from engine.store.people.audit import AuditLine, TrailFilter

if TYPE_CHECKING:
    from engine.assembly.open_workspace import OpenedWorkspace
    from engine.assembly.run_areas import RunAreas
    from engine.assembly.trigger_areas import TriggerAreas
    from engine.assembly.work import RunWork
    from engine.data.collections import Collections
    from engine.metrics.metrics import Metrics
    from engine.operations.attention import AttentionReader
    from engine.operations.copies import Copies
    from engine.operations.demo_mailbox import Demo
    from engine.operations.health import HealthCheck
    from engine.operations.health_facts import HealthFacts
    from engine.operations.sign_in_check import SignInCheck
    from engine.people.languages import Languages
    from engine.people.openid.sign_in import OpenIdSignIn
    from engine.people.users import Users
    from engine.people.visits import Visits
    from engine.runs.retention import Retention
    from engine.runs.workers import Workers
    from engine.search.search import WorkspaceSearch


class OperationAreas:
    """The areas of those who look after a workspace."""

    def __init__(self, opened: OpenedWorkspace, work: RunWork, runs: RunAreas, triggers: TriggerAreas) -> None:
        self._opened, self._work = opened, work
        self._runs, self._triggers = runs, triggers

    @shared_property
    def users(self) -> Users:
        """Who may sign in."""
        from engine.people.users import Users

        opened = self._opened

        def is_theirs(user_id: str, key: str) -> bool:
            from engine.operations.belongings import belongs_to  # only if a user is removed

            return belongs_to(user_id, key)

        sign_in = opened.config.sign_in
        return Users(opened.state, opened.signing_secret, opened.audit, opened.clock, is_theirs, sign_in)

    @shared_property
    def openid(self) -> OpenIdSignIn:
        """Sign-in by a provider."""
        from engine.people.openid.sign_in import OpenIdSignIn

        opened = self._opened
        self.users  # noqa: B018 - makes the first owner, before anybody else becomes a user

        def client_secret() -> str:
            return opened.loaded().sign_in_secret

        secrets = client_secret, opened.signing_secret
        return OpenIdSignIn(opened.state, opened.config.sign_in, *secrets, opened.audit, opened.clock)

    @property
    def sign_in_check(self) -> SignInCheck:
        """The check of the sign-in provider."""
        from engine.operations.sign_in_check import SignInCheck

        return SignInCheck(self.openid, self._opened.loaded(), self._opened.clock)

    @shared_property
    def languages(self) -> Languages:
        """The language of the dashboard for each user."""
        from engine.people.languages import Languages

        return Languages(self._opened.settings, self._opened.state.people)

    @shared_property
    def visits(self) -> Visits:
        """When somebody was last here."""
        from engine.people.visits import Visits

        return Visits(self._opened.settings, self._opened.clock)

    def audit(self, p: Principal, limit: int = 100) -> list[AuditLine]:
        """Return the latest lines of the audit trail, newest first."""
        return self._opened.trail.lines(p, TrailFilter(limit=limit))

    @shared_property
    def attention(self) -> AttentionReader:
        """What needs a person."""
        from engine.operations.attention import AttentionReader

        opened, runs, triggers = self._opened, self._work.runs, self._triggers.triggering.triggers
        approvals, budgets = self._runs.approvals, self._runs.budgets
        return AttentionReader(runs, triggers, approvals, opened.connections, budgets, opened.proof)

    @shared_property
    def search(self) -> WorkspaceSearch:
        """What the workspace has, by words."""
        return self._opened.searching(self._work.runs)

    @shared_property
    def collections(self) -> Collections:
        """The collections of documents that workflows index and search."""
        from engine.data.collections import Collections
        from engine.runs.question_vectors import QuestionVectors

        opened = self._opened
        vectors = QuestionVectors(self._work.model_calls, opened.clock)
        return Collections(opened.accounts.open, vectors.of, opened.audit)

    @shared_property
    def demo(self) -> Demo:
        """The stand-ins and their data."""
        from engine.operations.demo_mailbox import Demo, wake_waiting

        opened, work = self._opened, self._work
        return Demo(
            opened.stand_ins,
            opened.state.demo,
            work.worker,
            opened.logs,
            opened.audit,
            work.runs.cancel,
            opened.writes,
            partial(wake_waiting, opened.state.mail_waits, opened.clock),
        )

    # --- the engine's own state

    @shared_property
    def health(self) -> HealthCheck:
        """The health checks: the engine, the state file, the logs, and decisions that somebody has to make."""
        from engine.operations.health import HealthCheck

        worker, facts = self._work.worker, self.health_facts
        checks = {"engine": worker.check, "state": self._opened.soundness(), "logs": worker.check_logs}
        return HealthCheck(checks, facts.degradation, facts.counts)

    @shared_property
    def health_facts(self) -> HealthFacts:
        """What a person must decide, and figures of the workspace."""
        from engine.operations.health_facts import HealthFacts

        opened, workers = self._opened, self.workers if self._opened.config.shares_runs else None

        def triggers() -> Mapping[str, int]:
            return self._triggers.triggering.triggers.summary()

        return HealthFacts(opened.state, lambda: opened.loaded().vault, opened.account_notices, triggers, workers)

    @shared_property
    def workers(self) -> Workers:
        """The processes that work on runs."""
        from engine.runs.workers import Workers

        opened, locks = self._opened, self._work.worker.owner.locks
        own, shares = self._work.own_process, opened.config.shares_runs
        return Workers(opened.state, locks, opened.audit, opened.clock, own=own, shares_runs=shares)

    @shared_property
    def metrics(self) -> Metrics:
        """Figures of the workspace and of this process, for Prometheus."""
        from engine.metrics.metrics import Metrics
        from engine.metrics.workspace import MetricSources

        opened, work = self._opened, self._work

        def sources() -> MetricSources:
            triggers, budgets = self._triggers.triggering.triggers, self._runs.budgets
            folders = {"workspace": opened.workspace.root, "state_dir": opened.workspace.state_dir}
            return MetricSources(
                opened.state.loads, triggers, budgets, opened.account_notices.open, folders, opened.clock
            )

        return Metrics(sources, work.tally, work.worker.silent_seconds)

    @shared_property
    def copies(self) -> Copies:
        """Copies of the logs and the state at another place."""
        from engine.operations.copies import Copies

        opened = self._opened
        others, database = self._others_at_work, opened.database
        return Copies(opened.workspace, opened.config, opened.loaded, opened.logs, database, opened.audit, others)

    def _others_at_work(self, p: Principal) -> list[str]:
        own = self._work.own_process
        return [one.id for one in self.workers.list(p) if one.id != own and one.state != "silent"]

    @shared_property
    def retention(self) -> Retention:
        """Which ended runs are kept."""
        from engine.files.readings import FOLDER, Readings
        from engine.runs.retention import Retention

        opened = self._opened
        readings = Readings(opened.workspace.state_dir / FOLDER)
        old_runs, kept = opened.state.old_runs, lambda: opened.settings_now().retention
        return Retention(old_runs, opened.logs, opened.audit, opened.clock, kept, readings)

    def start_upkeep(self) -> None:
        """Have old runs removed, logs and journal compacted and renames finished from now on, as a server does."""
        from engine.operations.upkeep import Upkeep

        opened, prune = self._opened, partial(self.retention.prune, ENGINE)
        upkeep = Upkeep(opened.workspace.state_dir, prune, opened.database.shrink, opened.end_renames)
        opened.to_close(upkeep)
        opened.before_closing(self.retention.stop)  # before it: its thread may be removing many runs
        upkeep.start()
