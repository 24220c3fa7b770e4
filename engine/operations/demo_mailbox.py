"""Actions on the demo services: show and reset the data, deliver a mail, break a service, kill the engine."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.base.clock import Clock, timestamp
from engine.base.environment import PARENT_VARIABLE
from engine.base.errors import InvalidInput, NotAvailableYet, OrchestraError, StorageError, UnknownName
from engine.base.services import services
from engine.base.statuses import AccountMode
from engine.connections.stand_ins import StandInProcess
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.record.run_log import RunLogs
from engine.store.demo import DemoData
from engine.store.mail_waits import MailWaits
from engine.store.write_list import WriteList

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

_CANCEL_SECONDS = 20.0


class Demo:
    """The `demo` area."""

    def __init__(
        self,
        stand_ins: StandInProcess,
        data: DemoData,
        worker: Worker,
        logs: RunLogs,
        audit: Audit,
        cancel: Callable[[Principal, str], float],
        writes: WriteList,
        wake: Callable[[str], int],
    ) -> None:
        self._stand_ins, self._data, self._worker = stand_ins, data, worker
        self._logs, self._audit, self._cancel, self._writes = logs, audit, cancel, writes
        self._wake = wake

    def endpoints(self) -> Mapping[str, Any]:
        """Return the address of each stand-in; start them if they are not running."""
        return self._stand_ins.endpoints()

    @operation("demo.show", "view", "see the demo services", "Show what the demo services have")
    def show(self, p: Principal) -> dict[str, Any]:
        """Return the contents of the demo services: {gmail, notion, github}, each entry as the API returns it."""
        return self._stand_ins.show()

    @operation("demo.count_runs", "view", "see runs", "Count the runs of the demo")
    def count_runs(self, p: Principal) -> int:
        """Return how many runs there are in the demo: a reset deletes them."""
        return len(self._data.run_ids(only_open=False))

    @operation("demo.reset", "edit", "reset the demo", "Reset the demo")
    def reset(self, p: Principal) -> int:
        """Restore the sample data as a new account: demo runs and receipts are removed. Return its number.

        Triggers that were on in the demo are off afterwards.
        """
        self._data.forget_triggers()  # first, so that none starts a run meanwhile
        self._cancel_open_runs(p)
        gone = self._data.writers()  # first: an account that is listed but unknown would block all writes
        self._writes.replace(lambda sent: [one for one in sent if one.run_id not in gone])
        self._logs.remove(self._data.forget())
        for service in services():
            if service.demo_file:
                for path in self._worker.folder.glob(f"{service.demo_file}*"):
                    path.unlink(missing_ok=True)
        generation = self._stand_ins.reset()
        self._audit.record(p, "demo.reset", f"demo-{generation}")
        return generation

    def _cancel_open_runs(self, p: Principal) -> None:
        ends_at = time.monotonic() + _CANCEL_SECONDS
        for run_id in self._data.run_ids(only_open=True):
            try:
                ends_at = max(ends_at, time.monotonic() + self._cancel(p, run_id))
            except OrchestraError:
                continue  # it has ended in the meantime
        while self._data.run_ids(only_open=True):
            if time.monotonic() > ends_at:
                raise StorageError("A demo run does not end.", remedy="Stop the process that works on it, then reset.")
            time.sleep(0.05)

    @operation("demo.deliver", "run", "send a mail to the demo mailbox", "Send a mail to the demo mailbox")
    def deliver(self, p: Principal, sender: str, subject: str, text: str) -> str:
        """Deliver a mail to the demo mailbox and return its id. Raises InvalidInput if it is not a valid mail."""
        answer = self._post("gmail", "/_demo/mail", {"from": sender, "subject": subject, "text": text})
        return str(answer["id"])

    @operation("demo.new_mail", "run", "send a mail to the demo mailbox", "Send a sample mail to the demo mailbox")
    def new_mail(self, p: Principal) -> str:
        """Deliver the next of the shipped extra mails, starting over after the last; return its id."""
        return str(self._post("gmail", "/_demo/mail", {"next": True})["id"])

    @operation("demo.answer", "run", "send a mail to the demo mailbox", "Answer a mail of the demo mailbox")
    def answer(self, p: Principal, mail: str, text: str) -> int:
        """Deliver an answer to a sent mail of the demo mailbox; wake the runs that wait for it and return their number.

        Raises InvalidInput if there is no such mail.
        """
        return self._wake(str(self._post("gmail", "/_demo/mail", {"answers": mail, "text": text})["threadId"]))

    @operation("demo.break_service", "run", "break a demo service", "Break a demo service for some time")
    def break_service(self, p: Principal, service: str, seconds: float) -> None:
        """Let a demo service answer 503 for some time."""
        self._post(service, "/_demo/faults", {"match": "", "status": 503, "until_seconds": seconds})
        self._audit.record(p, "demo.break_service", service, {"seconds": seconds})

    @operation("demo.mail", "view", "see the demo services", "Read a mail of the demo mailbox")
    def mail(self, p: Principal, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return {from, to, cc, subject, date, text, attachments, …} of a mail from `show`, as workflows see it."""
        from clients.gmail.mail import read_message

        return read_message(message, _left_out)

    @operation("demo.page_text", "view", "see the demo services", "Read a page of the demo Notion")
    def page_text(self, p: Principal, page_id: str) -> str:
        """Return a page of the demo Notion as Markdown, even while the service is deliberately broken."""
        return str(self._ask("GET", "notion", f"/_demo/text/{page_id}")["markdown"])

    @property
    def can_kill(self) -> bool:
        """Tell whether a parent process would restart this one."""
        return os.environ.get(PARENT_VARIABLE, "") == str(os.getppid())

    @operation("demo.kill_engine", "run", "kill the engine", "Kill the engine of the demo")
    def kill_engine(self, p: Principal) -> None:
        """Kill this process (SIGKILL), as a power cut would; its parent restarts it. Raises NotAvailableYet."""
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
        """Call a stand-in's control route. Raises UnknownName, InvalidInput (refused), StorageError (not running)."""
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


def wake_waiting(waits: MailWaits, clock: Clock, thread: str) -> int:
    """Wake the runs that wait for mail in a thread of the demo mailbox, and return their number."""
    boxes = [one for one in waits.mailboxes() if one.mode == AccountMode.DEMO]
    awaited = [step for one in boxes for step in waits.of(one, [thread])]
    waits.wake(awaited, timestamp(clock()))
    return len({one.run_id for one in awaited})


def _left_out(_attachment_id: str) -> str:
    """Return no text for a part that is too big to be inlined in the mail."""
    return ""


def _said(body: str) -> str:
    """Return the message of a stand-in's error, in any of the services' formats."""
    try:
        document = json.loads(body)
    except ValueError:
        return body[:200]
    error = document.get("error", document)
    return str(error.get("message", body[:200])) if isinstance(error, Mapping) else body[:200]
