"""Accept the runs that messages ask for: as the REST API does, but many in one transaction, each with an outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from clients.errors import ServiceError
from engine.base import errors
from engine.base.json_text import JsonObject
from engine.base.statuses import Priority
from engine.compiler.definition.plan import Plan
from engine.ingress.brokers.broker import BrokerMessage
from engine.ingress.orders import Accepted, OrderRefused, Outcome, RunOrder
from engine.people.access import Principal, require
from engine.record.types.run import OutsideInput
from engine.runs.named_files import given_files
from engine.runs.starting.run_request import RunRequest, retry_if_renamed
from engine.store.acceptances import IdempotentRequest, Renamed, RunEntry

if TYPE_CHECKING:
    from engine.runs.starting.acceptor import Acceptor

_log = logging.getLogger(__name__)

_REFUSALS = (
    errors.ConfirmationNeeded,
    errors.ExpressionError,
    errors.InUse,
    errors.InvalidFile,
    errors.InvalidInput,
    errors.NotAvailableYet,
    errors.UnknownName,
    ServiceError,  # the owner of a new account cannot be determined: others need not wait for it
)
"""Errors that are the message's own. Any other stops all messages, until somebody removes its cause."""


class _Taken(Struct):
    """A message on its way to a run."""

    order: RunOrder
    entry: RunEntry | None = None
    """None if an earlier copy of the message has started the run."""
    run_id: str | None = None

    def outcome(self) -> Outcome:
        """Return what became of it. Raises the error that is not its own."""
        if self.entry is not None:
            if isinstance(self.entry.error, _REFUSALS):
                return OrderRefused.by(self.entry.error)
            if self.entry.error is not None:
                raise self.entry.error
            self.run_id = self.entry.run_id
        return Accepted(str(self.run_id), self.order.workflow, self.order.idempotency_key)


class TopicConsumer(Struct, frozen=True):
    """The way in for messages of one topic; any thread."""

    acceptor: Acceptor
    plan: Callable[[str, str], Plan]
    """Returns the plan of a workflow in an environment. Raises UnknownName, InvalidFile, InvalidInput."""
    user: Callable[[], Principal]
    """Returns the user as whom messages act. Raises InvalidInput, NotAllowed."""
    topic: str
    is_trusted: bool = False
    """Whether their inputs count as a person's, and not as text from outside."""

    def take(self, messages: Sequence[BrokerMessage]) -> list[Outcome]:
        """Accept the runs of these messages and start them; return what became of each, once all is on disk.

        Raises NotAllowed if the user may not start runs, StorageError, Fenced.
        """
        p = self.user()
        require(p, "run", "start runs")
        return retry_if_renamed(lambda: self._taken(p, messages))

    def require_room(self) -> None:
        """Raise TooManyRuns while too many runs wait to begin."""
        self.acceptor.admission.require()

    def _taken(self, p: Principal, messages: Sequence[BrokerMessage]) -> list[Outcome]:
        plans = _Plans(self.plan)
        found = [self._ready(p, one, plans) for one in messages]
        entries = [one.entry for one in found if isinstance(one, _Taken) and one.entry is not None]
        self.acceptor.begin_each(entries)
        if any(isinstance(one.error, Renamed) for one in entries):
            raise Renamed  # what is stored already is found by its request
        return [one.outcome() if isinstance(one, _Taken) else one for one in found]

    def _ready(self, p: Principal, message: BrokerMessage, plans: _Plans) -> _Taken | OrderRefused:
        """Return a message with its run, checked but not stored."""
        try:
            return self._checked(p, message, plans)
        except _REFUSALS as error:
            return OrderRefused.by(error)
        except errors.OrchestraError:
            raise
        except Exception as error:  # noqa: BLE001 - a message that nobody foresaw must not stop all others
            _log.exception("a message of %s broke down", self.topic)
            return OrderRefused(type(error).__name__, "Internal error.", "The log has the details; please report it.")

    def _checked(self, p: Principal, message: BrokerMessage, plans: _Plans) -> _Taken:
        order = RunOrder.of(message)
        request: IdempotentRequest = order.request(self.topic, message)
        earlier = self.acceptor.earlier(request)
        if earlier is not None:  # even if the workflow has been changed or deleted
            return _Taken(order, run_id=earlier)
        plan = plans.of(order)
        self._require_no_files(order.inputs)
        wanted = RunRequest(
            order.inputs,
            outside_inputs=self._outside(plan, order.inputs),
            priority=order.priority,
            usual_priority=Priority.LOW,
        )
        return _Taken(order, self.acceptor.prepare(p, plan, wanted, "runs.start", request))

    def _require_no_files(self, inputs: JsonObject) -> None:
        """Raise InvalidInput if a stranger's inputs name a file of a run: whoever sends them may see no run."""
        if not self.is_trusted and any(True for _ in given_files(inputs)):
            raise errors.InvalidInput(
                "An input names a file of a run, which a message may not.",
                remedy="Give the content itself; `ingress.trusted` trusts every sender.",
            )

    def _outside(self, plan: Plan, inputs: JsonObject) -> list[OutsideInput]:
        """Return which inputs are text from outside. Raises InvalidInput if one would decide where something goes."""
        if self.is_trusted:
            return []
        for words, names in plan.decided_by_inputs:
            for name in inputs.keys() & names:
                raise errors.InvalidInput(
                    f"Text from outside must not decide this: {words} of {plan.name!r} comes from `inputs.{name}`.",
                    remedy="Give the input an `enum`, or the step an `allow`; `ingress.trusted` trusts every sender.",
                )
        origin = f"a message ({self.topic})"
        return [{"place": [name], "origin": origin, "sender": False} for name in inputs]


class _Plans(Struct):
    """The plans of the workflows that a batch of messages names; each is compiled once."""

    named: Callable[[str, str], Plan]
    known: dict[tuple[str, str], Plan] = field(default_factory=dict)

    def of(self, order: RunOrder) -> Plan:
        """Return the plan for a message. Raises UnknownName, InvalidFile, InvalidInput."""
        key = (order.workflow, order.environment)
        if key not in self.known:
            self.known[key] = self.named(*key)
        return self.known[key]
