"""Notify people of new questions, if `approvals.notify` says how: by a workflow, or by a request to a webhook.

The message has a link (engine/runs/approval_links.py). A question counts as notified once that is stored, so a crash in
between sends a second message, never none. What fails is tried again, more and more slowly.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
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
from engine.workspace.config import LoadedConfig, is_address

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

_log = logging.getLogger(__name__)
_TICK_SECONDS = 2.0
_CLOSE_SECONDS = 5.0
_TIMEOUT_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 300.0
_AT_ONCE = 50
_CLOSED = "A workflow has a question for some people: sign in, and look at the page Approvals."
_PRIVATE = "A private workflow has a question; its text stays on its machine."


@dataclass
class QuestionNotices:
    """A thread of the server that looks for new questions."""

    worker: Worker
    questions: ApprovalStore
    links: ApprovalLinks
    acceptor: Acceptor
    clock: Clock
    loaded: Callable[[], LoadedConfig]
    plan: Callable[[str], Plan]
    state_dir: Path
    _stopped: threading.Event = field(default_factory=threading.Event)
    _tries: dict[str, tuple[int, float]] = field(default_factory=dict)
    """How often each question was tried in vain, and when to try it again."""

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="question notices", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Notify of nothing more, and wait briefly for a message in progress."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_CLOSE_SECONDS)

    def _run(self) -> None:
        version: int | None = None
        while not self._stopped.is_set():
            if not self.worker.owner.locks.leads("triggers"):  # another server that shares the state tells people
                self._stopped.wait(_TICK_SECONDS)
                continue
            try:
                now = self.worker.state.changes.version()
                if now != version or self._tries:
                    self._look()
                    version = now
            except OrchestraError as error:  # tried again next time
                _log.error("questions could not be looked for: %s", error)
            except Exception:  # noqa: BLE001 - as above
                _log.exception("questions could not be looked for")
            self._stopped.wait(_TICK_SECONDS)

    def _look(self) -> None:
        target = self.loaded().notify
        if target is None:
            self._tries.clear()
            return
        for record in self.questions.unnotified(_AT_ONCE):
            tries, at = self._tries.get(record.id, (0, 0.0))
            if self._stopped.is_set() or time.monotonic() < at:
                continue
            try:
                self._notify(target, approval_of(record))
            except (OrchestraError, ServiceError, OSError) as error:
                _log.error("people could not be notified of the question %s: %s", record.id, error)
                pause = min(_TICK_SECONDS * 2 ** (tries + 1), _LONGEST_PAUSE_SECONDS)
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
            _post(target, said)
            return
        plan = self.plan(target)
        known = plan.inputs_schema.get("properties", {})
        inputs = {name: value for name, value in said.items() if name in known}
        wanted = RunRequest(inputs, outside_inputs=quoting_inputs(inputs, "a question"))
        entry = self.acceptor.entry(NOTIFIER, plan, wanted, "runs.start")
        self.worker.acceptances.store([entry])
        self.worker.begin([entry.acceptance])

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
            "link": f"{self._origin()}/approve?token={self.links.token(approval)}",
        }

    def _origin(self) -> str:
        """Return the public address of the server, else the one at which it listens on this machine."""
        server = self.loaded().config.server
        if server.public_url:
            return server.public_url
        try:
            return str(json.loads((self.state_dir / "serve.json").read_text(encoding="utf-8"))["url"])
        except (OSError, ValueError, KeyError):
            return f"http://127.0.0.1:{server.port}"


def _post(url: str, said: Mapping[str, str]) -> None:
    """Send a message to a webhook. Raises OSError."""
    import httpx

    from clients.transport import deadline, http_client

    try:
        with http_client() as http, deadline(_TIMEOUT_SECONDS):
            http.post(url, json=dict(said)).raise_for_status()
    except httpx.HTTPStatusError as error:
        raise OSError(f"the webhook answered {error.response.status_code}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:  # its text may name the address, which can be a secret
        raise OSError(f"the webhook could not be reached ({type(error).__name__})") from error
