"""What a person can do with the demo services: look, reset, let a mail arrive, break one, kill the engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from engine.connections.stand_ins import StandInProcess
from engine.environment import PARENT_VARIABLE
from engine.errors import InvalidInput, NotAvailableYet, OrchestraError, StorageError, UnknownName
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.runner.host import Host
from engine.runs.run_log import RunLogs
from engine.store.database import Database
from engine.store.demo_rows import demo_run_ids, forget_demo, forget_demo_triggers

_CANCEL_SECONDS = 20.0


class Demo:
    """The `demo` facet."""

    def __init__(
        self,
        stand_ins: StandInProcess,
        database: Database,
        host: Host,
        logs: RunLogs,
        audit: Audit,
        cancel: Callable[[Principal, str], float],
    ) -> None:
        self._stand_ins, self._database, self._host = stand_ins, database, host
        self._logs, self._audit, self._cancel = logs, audit, cancel

    def endpoints(self) -> Mapping[str, Any]:
        """Return where each stand-in answers, starting them if none run."""
        return self._stand_ins.endpoints()

    def show(self, p: Principal) -> dict[str, Any]:
        """Return what is in the demo services: {gmail, notion, github}, each entry the API's own object."""
        require(p, "view", "see the demo services")
        return self._stand_ins.show()

    def reset(self, p: Principal) -> int:
        """Restore the sample data as a new account: demo runs, receipts and cursors are removed. Return its number."""
        require(p, "edit", "reset the demo")
        forget_demo_triggers(self._database)  # first, so that none starts a run meanwhile
        self._cancel_open_runs(p)
        for run_id in forget_demo(self._database):
            path = self._logs.path(run_id)
            path.unlink(missing_ok=True)
            shutil.rmtree(path.with_suffix(".files"), ignore_errors=True)
        generation = self._stand_ins.reset()
        self._audit.record(p, "demo.reset", f"demo-{generation}")
        return generation

    def _cancel_open_runs(self, p: Principal) -> None:
        ends_at = time.monotonic() + _CANCEL_SECONDS
        for run_id in demo_run_ids(self._database, only_open=True):
            try:
                ends_at = max(ends_at, time.monotonic() + self._cancel(p, run_id))
            except OrchestraError:
                continue  # it ended by itself meanwhile
        while demo_run_ids(self._database, only_open=True):
            if time.monotonic() > ends_at:
                raise StorageError("A demo run does not end.", remedy="Stop the process that works on it, then reset.")
            time.sleep(0.05)

    def deliver(self, p: Principal, sender: str, subject: str, text: str) -> str:
        """Let a mail arrive in the demo mailbox; return its id. Raises InvalidInput where it would be no mail."""
        require(p, "run", "send a mail to the demo mailbox")
        answer = self._post("gmail", "/_demo/mail", {"from": sender, "subject": subject, "text": text})
        return str(answer["id"])

    def new_mail(self, p: Principal) -> str:
        """Let the next of the shipped extra mails arrive, after the last the first again; return its id."""
        require(p, "run", "send a mail to the demo mailbox")
        return str(self._post("gmail", "/_demo/mail", {"next": True})["id"])

    def break_service(self, p: Principal, service: str, seconds: float) -> None:
        """Let a demo service answer 503 for some time."""
        require(p, "run", "break a demo service")
        self._post(service, "/_demo/faults", {"match": "", "status": 503, "until_seconds": seconds})
        self._audit.record(p, "demo.break_service", service, {"seconds": seconds})

    def mail(self, p: Principal, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return {from, to, cc, subject, date, text, attachments, …} of a mail of `show`, as workflows see it."""
        from clients.gmail.mail import read_message

        require(p, "view", "see the demo services")
        return read_message(message, _left_out)

    def page_text(self, p: Principal, page_id: str) -> str:
        """Return what a page of the demo Notion says, as Markdown; also while the service is broken on purpose."""
        require(p, "view", "see the demo services")
        return str(self._ask("GET", "notion", f"/_demo/text/{page_id}")["markdown"])

    @property
    def can_kill(self) -> bool:
        """Tell whether a parent process would start this one again."""
        return os.environ.get(PARENT_VARIABLE, "") == str(os.getppid())

    def kill_engine(self, p: Principal) -> None:
        """End this process as a power cut would (SIGKILL); its parent starts it again. Raises NotAvailableYet."""
        require(p, "run", "kill the engine")
        if not self.can_kill:
            raise NotAvailableYet(
                "No parent process would start the engine again.",
                remedy="Start it with `make run` or `orchestra serve`.",
            )
        self._audit.record(p, "demo.kill_engine", str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)

    def _post(self, service: str, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask("POST", service, path, document)

    def _ask(self, method: str, service: str, path: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask a stand-in's control route. Raises UnknownName, InvalidInput (it refuses), StorageError (it is gone)."""
        import httpx

        endpoints = self.endpoints()
        if not isinstance(endpoints.get(service), Mapping):
            raise UnknownName("demo service", service, [name for name in endpoints if name != "generation"])
        base = str(endpoints[service]["base_url"]).removesuffix("/v1")
        try:
            answer = httpx.request(method, f"{base}{path}", json=document, timeout=10, trust_env=False)
        except httpx.HTTPError as error:
            raise StorageError(f"The demo service {service} does not answer: {error}", remedy="Try again.") from error
        if answer.is_error:
            raise InvalidInput(f"The demo service {service} refuses this: {_said(answer.text)}")
        result: dict[str, Any] = answer.json() if answer.content else {}
        return result


def _left_out(_attachment_id: str) -> str:
    """Return nothing for a part that is too big to stand in the mail itself."""
    return ""


def _said(body: str) -> str:
    """Return the message inside a stand-in's error, whichever service's form it has."""
    try:
        document = json.loads(body)
    except ValueError:
        return body[:200]
    error = document.get("error", document)
    return str(error.get("message", body[:200])) if isinstance(error, Mapping) else body[:200]
