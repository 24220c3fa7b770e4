"""Why items of a run failed, with each reason shown once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import streamlit as st

from dashboard.base.language import t
from dashboard.parts.errors import message_markdown
from engine.base.statuses import StepStatus
from engine.base.step_path import StepPath
from engine.record.types.run import Run

_SHOWN = 3


@dataclass(frozen=True)
class FailureReason:
    """An error message, and the number of steps that ended with it."""

    message: str
    remedy: str
    count: int


def run_failures(run: Run) -> None:
    """Show the most frequent reasons; the rest are in each item's own pane."""
    for reason in reasons(run)[:_SHOWN]:
        times = t("**{count} times:** ", count=reason.count) if reason.count > 1 else ""
        st.error(times + message_markdown(reason.message, reason.remedy), icon=":material/error:")


def reasons(run: Run) -> list[FailureReason]:
    """Return why steps failed, the most frequent reason first.

    Steps that failed only because of one inside are left out, and those that a person rejected.
    """
    failed = {
        step["path"]: step["error"] for step in run["steps"] if step["status"] == StepStatus.FAILED and step["error"]
    }
    around = {str(outer) for path in failed for outer in StepPath.parse(path).around()}
    causes = [one for path, one in failed.items() if path not in around and one.get("type") != "Rejected"]
    told = Counter((one["message"], one.get("remedy") or "") for one in causes)
    return [FailureReason(message, remedy, count) for (message, remedy), count in told.most_common()]
