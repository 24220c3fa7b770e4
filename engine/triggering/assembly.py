"""Assembles what triggers need in a process: their area, the run queue and, in a server, the scheduler."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from engine.base.clock import Clock
from engine.base.errors import OrchestraError
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Concurrency, Plan
from engine.connections.accounts import Accounts
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.record.run_log import RunLogs
from engine.runs.approval_links import ApprovalLinks
from engine.store.state import State
from engine.triggering.activation import Activation
from engine.triggering.addresses import TriggerAddresses
from engine.triggering.alarms import AlarmNotices
from engine.triggering.approval_notices import ApprovalNotices
from engine.triggering.bounce_watch import BounceWatch
from engine.triggering.costs import Costs
from engine.triggering.forms import FormParts, Forms, public_url
from engine.triggering.hook_door import HookDoor, HookDoorParts
from engine.triggering.hooks import HookParts, Hooks
from engine.triggering.listening import Listening
from engine.triggering.look_thread import LookThread
from engine.triggering.mail_watch import MailWatch
from engine.triggering.notices.bounces import BounceNotices
from engine.triggering.notices.channel import NoticeChannel
from engine.triggering.notices.failed_runs import FailedRunNotices
from engine.triggering.notices.marked import MarkedNotices
from engine.triggering.notices.sign_ins import SignInNotices
from engine.triggering.notices.webhook import WebhookMessages
from engine.triggering.poll_now import PollBatch
from engine.triggering.polling.chains import Chains
from engine.triggering.polling.context import TriggerContext
from engine.triggering.polling.poll import TriggerPolls
from engine.triggering.polling.polling_loop import PollingLoop
from engine.triggering.polling.resolver import NamedTrigger, TriggerResolver
from engine.triggering.previews import TriggerPreviews
from engine.triggering.run_queue import RunStarter
from engine.triggering.scheduler import Scheduler
from engine.triggering.statuses import TriggerStatuses
from engine.triggering.triggers import Triggers, TriggersDependencies

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker
    from engine.runs.starting.acceptor import Acceptor


class TriggeringDependencies(Struct, frozen=True):
    """What the parts are built from."""

    state: State
    worker: Worker
    acceptor: Acceptor
    accounts: Accounts
    logs: RunLogs
    audit: Audit
    clock: Clock
    context: TriggerContext
    workflows: Callable[[], Sequence[str]]
    """The names of the workflow files."""
    resume: Callable[[Principal, str], str]
    links: ApprovalLinks
    secret: Callable[[], bytes]
    """Signs the pages of forms."""
    is_closed: Callable[[str], bool]
    """Returns whether only some may see the workflow with a name, or that had it."""
    about_models: Callable[[Plan, Mapping[str, AccountMode]], Sequence[str]]
    """Returns what a person should know of the models that runs ask."""


class Triggering:
    """The parts; `watch` is None until `begin_watching`."""

    def __init__(self, needs: TriggeringDependencies) -> None:
        state = needs.state
        self._needs, self._rows, self._items = needs, state.triggers, state.items
        self._resolver = TriggerResolver(needs.context, needs.accounts, state.triggered_runs)
        self._scheduler: Scheduler | None = None
        self._listening: Listening | None = None
        self._notices: LookThread | None = None
        self._mail: LookThread | None = None
        self.turns = RunStarter(needs.worker, state.run_queue, state.changes, self._concurrency)
        looks = TriggerPolls(
            self._items, needs.worker.acceptances, needs.acceptor, needs.clock, state.triggered_runs, self._is_stopped
        )
        chains = Chains(
            state.triggered_runs, needs.clock, lambda: needs.context.loaded().config.limits.chained_polls_per_hour
        )
        self._polls = PollingLoop(
            state.triggered_runs, self._rows, self._resolver, looks, chains, on_queued=self.turns.begin
        )
        self._statuses = TriggerStatuses(
            state.triggered_runs, self._rows, self._items, self._resolver, needs.workflows, needs.clock
        )
        parts = TriggersDependencies(
            rows=self._rows,
            items=self._items,
            resolver=self._resolver,
            looks=looks,
            activation=Activation(self._rows, looks, self._resolver),
            previews=TriggerPreviews(looks, Costs(state.triggered_runs, needs.logs, needs.context.model_of)),
            statuses=self._statuses,
            turns=self.turns,
            asking=self._asking(),
            audit=needs.audit,
            resume=needs.resume,
            about_models=needs.about_models,
        )
        self.mail_watch = MailWatch(state.mail_waits, state.settings, needs.accounts, needs.clock)
        self.bounce_watch = BounceWatch(state.bounces, state.settings, needs.accounts, needs.logs, needs.clock)
        self.triggers = Triggers(parts)
        self.forms = Forms(self._form_parts())
        at_door = self._hook_parts()
        self.hook_door = HookDoor(at_door)
        self.hooks = Hooks(HookParts(at_door, needs.audit, self._public_url))

    def _asking(self) -> PollBatch:
        needs = self._needs
        return PollBatch(
            is_served=needs.worker.owner.is_served,
            runs=needs.state.triggered_runs,
            items=self._items,
            rows=self._rows,
            polls=self._polls,
            turns=self.turns,
            clock=needs.clock,
            adopt=needs.worker.adopt_patiently,
            wake=self._look_now,
        )

    def _addresses(
        self, kind: Literal["forms", "hooks"], prefix: str, thing: str, begins: Callable[[NamedTrigger], str]
    ) -> TriggerAddresses:
        return TriggerAddresses(
            kind=kind,
            prefix=prefix,
            thing=thing,
            begins=begins,
            rows=self._rows,
            items=self._items,
            resolver=self._resolver,
            settings=self._needs.state.settings,
            workflows=lambda: [*self._needs.workflows()],
        )

    def _form_parts(self) -> FormParts:
        needs = self._needs
        return FormParts(
            addresses=self._addresses("forms", "form.", "form", lambda named: ""),
            runs=needs.state.triggered_runs,
            rows=self._rows,
            resolver=self._resolver,
            audit=needs.audit,
            clock=needs.clock,
            secret=needs.secret,
            public_url=self._public_url,
            wake=self._look_now,
        )

    def _hook_parts(self) -> HookDoorParts:
        needs = self._needs
        return HookDoorParts(
            addresses=self._addresses("hooks", "hook.", "webhook", lambda named: f"{named.plan.name}/"),
            rows=self._rows,
            items=self._items,
            resolver=self._resolver,
            clock=needs.clock,
            vault=lambda: needs.context.loaded().vault,
            wake=self._look_now,
        )

    def _public_url(self) -> str:
        context = self._needs.context
        return public_url(context.state_dir, context.loaded().config.server.public_url)

    def _concurrency(self, workflow_id: str) -> Concurrency:
        return self._resolver.plan_of(workflow_id).concurrency

    def begin_watching(self) -> None:
        """Start watching every trigger that is on (the serving process does)."""
        self.turns.begin()
        needs = self._needs
        channel = NoticeChannel(needs.acceptor, self._resolver.plan, needs.context.loaded, needs.clock)
        messages = WebhookMessages(needs.state.settings, lambda: needs.context.loaded().webhook, needs.clock)
        self._notifications = AlarmNotices(
            needs.worker,
            self._rows,
            channel,
            messages,
            needs.clock,
            self._statuses.in_question,
            self._resolver.name_of,
            lambda: f"{self._origin()}/triggers",
        )
        leads = partial(needs.worker.owner.locks.leads, "triggers")
        self._listening = Listening(self._rows, self._resolver, needs.clock, self._look_now)
        self._scheduler = Scheduler(
            self._rows, needs.state.changes, self._polls, needs.clock, self._check, leads, self._listening.attend
        )
        self._scheduler.start()
        parts = needs.worker, needs.state.settings, channel, messages
        failed_runs = FailedRunNotices(
            MarkedNotices("failed_runs", "a failed run", *parts),
            needs.state.triggered_runs,
            needs.logs,
            needs.clock,
            lambda: needs.context.time_zone,
            self._origin,
            needs.is_closed,
        )
        sign_ins = SignInNotices(
            MarkedNotices("sign_ins", "a sign-in", *parts), needs.state.audit, needs.clock, self._origin
        )
        bounces = BounceNotices(
            MarkedNotices("bounces", "a report about mail", *parts),
            needs.state.bounces,
            needs.state.runs,
            needs.clock,
            self._origin,
            needs.is_closed,
        )
        looks = [self._questions().look, failed_runs.look, sign_ins.look, bounces.look, messages.look]
        self._notices = LookThread("notices", looks, leads)
        self._notices.start()
        self._mail = LookThread("awaited mail", [self.mail_watch.look, self.bounce_watch.look], leads)
        self._mail.start()

    def _questions(self) -> ApprovalNotices:
        needs = self._needs
        return ApprovalNotices(
            needs.worker,
            needs.state.approvals,
            needs.links,
            needs.acceptor,
            needs.clock,
            needs.context.loaded,
            self._resolver.plan,
            self._origin,
            lambda: self._notices is not None and self._notices.is_stopped,
        )

    def _origin(self) -> str:
        """Return the public address of the server, else the one at which it listens on this machine."""
        return self._public_url() or f"http://127.0.0.1:{self._needs.context.loaded().config.server.port}"

    def close(self) -> None:
        """Stop polling, and start no more runs."""
        if self._listening is not None:
            self._listening.close()
        if self._scheduler is not None:
            self._scheduler.close()
        for looks in filter(None, (self._notices, self._mail)):
            looks.close()
        self.turns.close()

    def _check(self) -> None:
        self._notifications.check()
        self._forget_seen()
        self.forms.tidy()
        self.hooks.tidy()

    def _forget_seen(self) -> None:
        """Delete seen items that the cursor alone can tell from new ones."""
        for row in self._rows.on():
            try:
                days = self._resolver.named(row.workflow, row.trigger).trigger.kind.remembered_days
            except OrchestraError:
                continue
            if days is not None:
                self._items.forget(row.trigger, row.workflow, self._needs.clock() - timedelta(days=days))

    def _is_stopped(self) -> bool:
        return self._scheduler is not None and self._scheduler.is_stopped

    def _look_now(self) -> None:
        if self._scheduler is not None:
            self._scheduler.look_now()
