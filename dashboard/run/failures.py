"""Why items of a run failed, with each reason shown once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard.base.language import t
from dashboard.base.plain import plain
from dashboard.parts.errors import message_markdown
from engine.base.statuses import StepStatus
from engine.base.step_path import StepPath, is_item, items_around
from engine.record.types.run import Run
from engine.record.types.step import Failure, StepRecord

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
    failed = [step["path"] for step in run["steps"] if is_item(step["path"]) and step["status"] == StepStatus.FAILED]
    written_before(run, [path for path in failed if len(items_around(path)) == 1])


def written_before(run: Run, items: Sequence[str]) -> None:
    """Say what was written about items before they failed; nothing if nothing was, or all of it was undone."""
    written = Counter(
        step["title"] or step["id"]
        for step in run["steps"]
        if step["effect"] and not step["effect"].get("undone") and next(iter(items_around(step["path"])), "") in items
    )
    if written:
        told = ", ".join(f"{title} ({count})" if count > 1 else title for title, count in written.items())
        st.caption(f":material/edit_note: {plain(t('Already written before it failed: {told}', told=told))}")


def reasons(run: Run) -> list[FailureReason]:
    """Return why steps failed, the most frequent reason first.

    Steps that failed only because of one inside are left out, and those that a person rejected. A step that the run
    went on without is no reason where another one beside it is: it then says what to do about that one.
    """
    failed = {step["path"]: step for step in run["steps"] if step["status"] == StepStatus.FAILED and step["error"]}
    around = {str(outer) for path in failed for outer in StepPath.parse(path).around()}
    causes = {path: one for path, one in failed.items() if path not in around and _error(one).get("type") != "Rejected"}
    handled = {path: one for path, one in causes.items() if one.get("handled")}
    beside = {_place(path): one for path, one in handled.items()}
    told = Counter(_told(one, beside.get(_place(path))) for path, one in causes.items() if path not in handled)
    if not told:
        told = Counter(_told(one, None) for one in handled.values())
    return [FailureReason(message, remedy, count) for (message, remedy), count in told.most_common()]


def _told(step: StepRecord, earlier: StepRecord | None) -> tuple[str, str]:
    """Return the message of a step and what to do; `earlier`: a step beside it that had failed before."""
    error, remedy = _error(step), _error(step).get("remedy") or ""
    if not remedy and earlier is not None:
        remedy = " ".join(filter(None, [_error(earlier)["message"], _error(earlier).get("remedy")]))
    return error["message"], remedy


def _error(step: StepRecord) -> Failure:
    assert step["error"] is not None
    return step["error"]


def _place(path: str) -> str:
    return path.rpartition(".")[0]
