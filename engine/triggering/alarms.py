"""Which triggers need attention. People are notified once when that begins and once when it is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field

from clients.errors import ServiceError
from clients.wording import counted
from engine.base.clock import Clock, moment_of, timestamp
from engine.base.errors import OrchestraError
from engine.store.acceptances import Notice
from engine.store.triggering.triggers import TriggerRecord, TriggerStore
from engine.triggering.notices.channel import NoticeChannel
from engine.triggering.notices.webhook import WebhookMessages
from engine.triggering.polling.status import FEEDS_ITSELF, OF_ACCOUNTS, Alarm, TriggerStatus

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

_log = logging.getLogger(__name__)
_SLACK_SECONDS = 60.0
_TURN_ON = "`orchestra serve` watches triggers; the page Triggers shows what is wrong."
_DEAD = "`orchestra triggers dead` lists them; each can be tried again or dismissed."
_PRIVATE = "The workflow is private: the page Triggers says why."


def is_silent(status: TriggerStatus, now: datetime) -> bool:
    """Return whether a trigger that is on has had no successful poll for two periods, or a period and a minute.

    The longer of the two counts.
    """
    since = status.succeeded_at or status.turned_on_at
    if not status.is_on or status.is_resting or since is None:
        return False
    due = moment_of(since) + timedelta(seconds=status.poll_seconds)
    if not status.failures and status.succeeded_at is not None and status.look_again_at is not None:
        due = max(due, moment_of(status.look_again_at))  # a schedule knows its own next time
    return now > due + timedelta(seconds=max(status.poll_seconds, _SLACK_SECONDS))


def alarm_of(status: TriggerStatus, now: datetime) -> Alarm | None:
    """Return the most serious reason why a trigger needs attention, or None."""
    kind, message, remedy = _reason(status, now)
    if not kind:
        return None
    since = status.succeeded_at or status.turned_on_at or timestamp(now)
    return Alarm(status.workflow, status.id, kind, message, remedy, since)


def _reason(status: TriggerStatus, now: datetime) -> tuple[str, str, str]:
    error, where = status.error, f"The trigger {status.id!r} of {status.workflow!r}"
    if status.is_on and not status.is_resting and status.problem is not None:
        return "file", f"{where} is not watched: {status.problem.message}", status.problem.remedy
    if status.is_on and not status.is_resting and error is not None and error.type in OF_ACCOUNTS:
        return "account", f"{where} waits for its account: {error.message}", error.remedy
    if status.is_on and not status.is_resting and error is not None and error.type == FEEDS_ITSELF:
        return "loop", f"{where} is paused: {error.message}", error.remedy
    if status.is_silent:
        because = f" {error.message}" if error is not None else ""
        remedy = error.remedy if error is not None else _TURN_ON
        since = status.succeeded_at or status.turned_on_at
        lasting = f" for {_lasting(now - moment_of(since))}" if since else ""
        return "silent", f"{where} has not polled successfully{lasting}.{because}", remedy
    if status.dead:
        count = f"{status.dead} thing{'s' * (status.dead != 1)}"
        return (
            "dead",
            f"{where} has {count} that did not become a run, or whose run failed.",
            _DEAD,
        )
    return "", "", ""


def _lasting(time: timedelta) -> str:
    """Return a duration in days if it has at least two, else in hours if it has at least two, else in minutes."""
    minutes = int(time.total_seconds() // 60)
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= 2 * size:
            return counted(minutes // size, unit)
    return counted(max(minutes, 1), "minute")


class AlarmNotices(Struct):
    """Notifies people through the channel of `notifications`, once of each alarm and once when it is over."""

    worker: Worker
    triggers: TriggerStore
    channel: NoticeChannel
    messages: WebhookMessages
    clock: Clock
    statuses: Callable[[], Sequence[TriggerStatus]]
    name_of: Callable[[str], str]
    """Returns the name of the workflow with an id."""
    link: Callable[[], str]
    """Returns the address of the page of triggers."""
    _met: set[tuple[str, str, str]] = field(default_factory=set)
    """Alarms of the last check. One that does not last until the next (a laptop that just woke up) is not reported."""

    def check(self) -> None:
        """Report what has changed since the last check. Raises StorageError, Fenced."""
        name = self.channel.settings.workflow
        found = {}
        for status in self.statuses():
            if status.workflow != name and status.is_watched:
                found[status.workflow, status.id, status.demo] = alarm_of(status, self.clock())
        lasting = {one for one in map(_named, found.values()) if one is not None}
        for row in self.triggers.on():
            its_workflow = self.name_of(row.workflow)
            alarm = found.get((its_workflow, row.trigger, row.demo))
            if alarm is not None and row.alarmed_at is None and _named(alarm) in self._met:
                self._tell(row, alarm)
            elif alarm is None and row.alarmed_at is not None:
                self._tell(row, _over(row, its_workflow))
        self._met = lasting

    def _tell(self, row: TriggerRecord, alarm: Alarm) -> None:
        """Store the notice with the mark that people know; a workflow that cannot run is skipped."""
        notice = Notice()
        try:
            told = {**vars(alarm), **self._instead(alarm), "link": self.link()}
            notice = self.channel.notice("trigger", told, "an alarm")
        except (OrchestraError, ServiceError) as error:
            name = self.channel.settings.workflow
            _log.error("the workflow for notifications %r cannot run: %s %s", name, error, error.remedy)
        at = None if alarm.kind == "over" else alarm.since
        if self.worker.acceptances.notify(row, at, notice):
            self.worker.begin([entry.acceptance for entry in notice.entries])
            self.messages.look_now()

    def _instead(self, alarm: Alarm) -> Mapping[str, str]:
        """Return what is said instead of the errors of a private workflow, which may quote its texts."""
        try:
            is_private = "privacy" in self.channel.plan(alarm.workflow).document
        except OrchestraError:  # its file is what the alarm is about
            is_private = False
        if not is_private or alarm.kind == "over":
            return {}
        return {"message": f"The trigger {alarm.trigger!r} of {alarm.workflow!r} needs attention.", "remedy": _PRIVATE}


def _named(alarm: Alarm | None) -> tuple[str, str, str] | None:
    return None if alarm is None else (alarm.workflow, alarm.trigger, alarm.kind)


def _over(row: TriggerRecord, workflow: str) -> Alarm:
    message = f"The trigger {row.trigger!r} of {workflow!r} works again."
    return Alarm(workflow, row.trigger, "over", message, "", row.alarmed_at or "")
