"""Store a notice in the transaction that moves the mark of what people know: a crash neither loses nor repeats one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clients.errors import ServiceError
from engine.base.errors import OrchestraError
from engine.runner.effects.fault_points import reached
from engine.store.acceptances import Notice
from engine.store.settings import Settings
from engine.triggering.notices.channel import NoticeChannel
from engine.triggering.notices.webhook import WebhookMessages

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

_log = logging.getLogger(__name__)


@dataclass
class MarkedNotices:
    """The notices of one kind; its mark is a small switch."""

    kind: str
    origin: str
    """What the text comes from, such as "a failed run"."""
    worker: Worker
    settings: Settings
    channel: NoticeChannel
    messages: WebhookMessages
    _refused: str = field(default="", repr=False)
    """Why the workflow could not run the last time."""

    @property
    def mark(self) -> str:
        """The mark, as it was stored; empty before the first."""
        return self.settings.get(self._switch) or ""

    @property
    def is_waiting(self) -> bool:
        """Whether a notice of this kind has not reached the webhook yet."""
        return self.messages.waits(self.kind)

    def begin(self, mark: str) -> None:
        """Store the first mark."""
        self.worker.acceptances.note(self._switch, "", mark, Notice())

    def forget(self) -> None:
        """Remove the mark: nobody wants notices of this kind now."""
        if self.mark:
            self.settings.remove(self._switch)

    def tell(self, before: str, mark: str, said: Mapping[str, str] | None) -> None:
        """Store the inputs of a notice, if any, with the mark that follows `before`, and begin.

        If the workflow cannot run, the mark stays: people are notified once it can.
        """
        notice = Notice()
        if said is not None:
            try:
                notice = self.channel.notice(self.kind, {"kind": self.kind, **said}, self.origin)
            except (OrchestraError, ServiceError) as error:
                self._log_once(f"{error} {error.remedy}".strip())
                return
        self._refused = ""
        reached("before notice")
        if self.worker.acceptances.note(self._switch, before, mark, notice):
            reached("after notice")
            self.worker.begin([entry.acceptance for entry in notice.entries])
            self.messages.look_now()

    @property
    def _switch(self) -> str:
        return f"notified.{self.kind}"

    def _log_once(self, why: str) -> None:
        if why != self._refused:
            _log.error("people cannot be notified of %s: %s", self.kind.replace("_", " "), why)
        self._refused = why
