"""The words, icons and colours of statuses: the same on every page, and never a colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from dashboard.base.language import N_, t
from engine.base.statuses import ListedStatus, RunStatus, StepStatus
from engine.compiler.definition.environment import CURRENT
from engine.record.types.run import RunKind

Color = Literal["gray", "blue", "green", "red", "orange"]


@dataclass(frozen=True)
class StatusStyle:
    """How a status is shown; `hex_color` is for drawings, which do not know the theme."""

    english: str
    icon: str
    color: Color
    hex_color: str

    @property
    def word(self) -> str:
        """The word, in the language of the person."""
        return t(self.english)


REJECTED = "rejected"
"""Shown instead of failed: a person has rejected calls, and nothing else failed."""
_GRAY, _BLUE, _GREEN, _RED, _AMBER = "#6b7280", "#2563eb", "#15803d", "#dc2626", "#b45309"

LOOKS: Mapping[str, StatusStyle] = {
    StepStatus.PENDING: StatusStyle(N_("Pending"), ":material/schedule:", "gray", _GRAY),
    RunStatus.QUEUED: StatusStyle(N_("Queued"), ":material/schedule:", "gray", _GRAY),
    StepStatus.RUNNING: StatusStyle(N_("Running"), ":material/progress_activity:", "blue", _BLUE),
    StepStatus.WAITING: StatusStyle(N_("Waiting"), ":material/hourglass_empty:", "orange", _AMBER),
    StepStatus.SUCCEEDED: StatusStyle(N_("Succeeded"), ":material/check_circle:", "green", _GREEN),
    ListedStatus.PARTS_FAILED: StatusStyle(N_("Succeeded, parts failed"), ":material/warning:", "orange", _AMBER),
    StepStatus.FAILED: StatusStyle(N_("Failed"), ":material/error:", "red", _RED),
    ListedStatus.SET_ASIDE: StatusStyle(N_("Set aside"), ":material/report:", "red", _RED),
    StepStatus.CANCELLED: StatusStyle(N_("Cancelled"), ":material/cancel:", "gray", _GRAY),
    RunStatus.INTERRUPTED: StatusStyle(N_("Interrupted"), ":material/pause_circle:", "orange", _AMBER),
    REJECTED: StatusStyle(N_("Rejected"), ":material/block:", "gray", _GRAY),
    StepStatus.SKIPPED: StatusStyle(N_("Skipped"), ":material/skip_next:", "gray", _GRAY),
}

PARTLY_REJECTED = StatusStyle(N_("Partly rejected"), LOOKS[REJECTED].icon, "gray", _GRAY)
_STOPPED, _PARTLY_STOPPED = (
    StatusStyle(word, ":material/cancel_schedule_send:", "gray", _GRAY)
    for word in (N_("Stopped"), N_("Partly stopped"))
)
"""If all that a person has rejected are mails that wait for their time."""

_TEST = N_("Test run")
_TESTS: Mapping[RunKind, str] = {RunKind.DEBUG: N_("Debug run"), RunKind.REPLAY: N_("Replay")}


def look_of(status: str, counts: Mapping[str, Any] | None = None) -> StatusStyle:
    """Return how a run or step is shown; with `counts`, one that succeeded although parts failed is amber.

    What a person has rejected is no failure.
    """
    if counts and counts.get("rejected") and status in (RunStatus.FAILED, RunStatus.SUCCEEDED):
        whole, part = (LOOKS[REJECTED], PARTLY_REJECTED)
        if counts.get("stopped") == counts["rejected"]:
            whole, part = _STOPPED, _PARTLY_STOPPED
        return part if counts["new_effects"] or counts["reused_effects"] else whole
    failed = counts is not None and (counts.get("failed_steps") or counts.get("failed_items"))
    if status == StepStatus.SUCCEEDED and failed:
        return LOOKS[ListedStatus.PARTS_FAILED]
    return LOOKS.get(status, LOOKS[StepStatus.PENDING])


def status_badge(status: str, counts: Mapping[str, Any] | None = None) -> None:
    """Show a status as icon, word and colour."""
    look = look_of(status, counts)
    st.badge(look.word, icon=look.icon, color=look.color)


def status_markdown(status: str, counts: Mapping[str, Any] | None = None) -> str:
    """Return a status as icon, word and colour, for use inside a line of Markdown."""
    look = look_of(status, counts)
    return f":{look.color}[{look.icon} {look.word}]"


def test_badge(kind: RunKind) -> None:
    """Show which kind of test a run is; nothing for one that is no test."""
    if kind.is_test:
        st.badge(t(_TESTS.get(kind, _TEST)), icon=":material/science:", color="violet")


def environment_words(name: str, version: int | str) -> str:
    """Return an environment, and the version that runs in it."""
    return name if version == CURRENT else t("{name} · version {version}", name=name, version=version)
