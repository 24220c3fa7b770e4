"""Notify people of new questions, if `approvals.notify` says how: by a workflow, or by a request to a webhook.

The message has a link (engine/runs/approval_links.py). A question counts as notified once that is stored, so a crash in
between sends a second message, rather than no message. What fails is tried again, more and more slowly.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clients.errors import ServiceError
from engine.base.clock import Clock, timestamp
from engine.base.errors import OrchestraError
from engine.compiler.definition.plan import Plan
from engine.people.access import NOTIFIER
from engine.runs.approval_links import ApprovalLinks
from engine.runs.approvals import Approval, approval_of
from engine.runs.starting.acceptor import Acceptor
from engine.runs.starting.run_request import RunRequest, quoting_inputs
from engine.store.approvals import ApprovalStore
from engine.store.runs import RunRecord
from engine.triggering.notices.webhook import post
from engine.workspace.config import LoadedConfig, is_address

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

_log = logging.getLogger(__name__)
_FIRST_PAUSE_SECONDS = 4.0
_LONGEST_PAUSE_SECONDS = 300.0
_AT_ONCE = 50
_CLOSED = "A workflow has a question for some people: sign in, and look at the page Approvals."
_PRIVATE = "A private workflow has a question; its text stays on its machine."


@dataclass
class ApprovalNotices:
    """Looks for new questions; in one thread of the leading server."""

    worker: Worker
    questions: ApprovalStore
    links: ApprovalLinks
    acceptor: Acceptor
    clock: Clock
    loaded: Callable[[], LoadedConfig]
    plan: Callable[[str], Plan]
    origin: Callable[[], str]
    """Returns the public address of the server."""
    is_stopped: Callable[[], bool]
    _version: int | None = None
    """The version of the state at the last look."""
    _tries: dict[str, tuple[int, float]] = field(default_factory=dict)
    """How often each question was tried in vain, and when to try it again."""

    def look(self) -> None:
        """Notify of questions that are new, or were tried in vain. Raises StorageError."""
        now = self.worker.state.changes.version()
        if now != self._version or self._tries:
            self._look()
            self._version = now

    def _look(self) -> None:
        target = self.loaded().notify
        if target is None:
            self._tries.clear()
            return
        for record in self.questions.unnotified(_AT_ONCE):
            tries, at = self._tries.get(record.id, (0, 0.0))
            if self.is_stopped() or time.monotonic() < at:
                continue
            try:
                self._notify(target, approval_of(record))
            except (OrchestraError, ServiceError, OSError) as error:
                _log.error("people could not be notified of the question %s: %s", record.id, error)
                pause = min(_FIRST_PAUSE_SECONDS * 2**tries, _LONGEST_PAUSE_SECONDS)
                self._tries[record.id] = (tries + 1, time.monotonic() + pause)
                continue
            self._tries.pop(record.id, None)
            self.questions.notified(record.id, timestamp(self.clock()))

    def _notify(self, target: str, approval: Approval) -> None:
        row = self.worker.rows.get(approval.run_id)
        if row is not None and row.started_by == NOTIFIER.id:
            return  # a message about it would need approval itself, and so on without end
        said = dict(self._said(approval, is_private=self._is_private(row)))
        if self.links.is_closed(approval):  # who is notified may not be who may see the workflow
            said |= {"message": _CLOSED, "workflow": "", "step": ""}
        if is_address(target):
            post(target, said)
            return
        plan = self.plan(target)
        known = plan.inputs_schema.get("properties", {})
        inputs = {name: value for name, value in said.items() if name in known}
        wanted = RunRequest(inputs, outside_inputs=quoting_inputs(inputs, "a question"))
        self.acceptor.begin(self.acceptor.prepare(NOTIFIER, plan, wanted, "runs.start"))

    def _is_private(self, row: RunRecord | None) -> bool:
        """Return whether the texts of an open run must stay on this machine, as its own or a caller's file says."""
        while row is not None and row.acceptance is not None:
            if "privacy" in json.loads(row.acceptance)["definition"]["workflow"]:
                return True
            if row.parent_run_id is None:
                return False
            row = self.worker.rows.get(row.parent_run_id)
        return True

    def _said(self, approval: Approval, *, is_private: bool) -> Mapping[str, str]:
        """Return what the message says; nothing of the call itself, which only the page behind the link shows.

        `is_private`: nor of the question, whose text must not leave this machine.
        """
        return {
            "kind": "approval",
            "approval": approval.id,
            "message": _PRIVATE if is_private else approval.message,
            "workflow": approval.workflow,
            "run": approval.run_id,
            "step": approval.path,
            "asked_at": approval.asked_at,
            "expires_at": approval.expires_at or "",
            "link": f"{self.origin()}/approve?token={self.links.token(approval)}",
        }
