"""How things stand, in one sentence: all is well, or what is wrong and what waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dashboard.base.language import t, tn
from dashboard.parts.accounts import service_title
from dashboard.parts.times import ago
from engine.base.statuses import ACTIVE_RUNS, RunStatus

if TYPE_CHECKING:
    from engine.operations.attention import Attention
    from engine.runs.run_list import RunRow


def answer(state: Attention, *, for_somebody: bool) -> str:
    """Return the sentence; all is well only if nothing on the page says otherwise.

    `for_somebody`: what waits needs somebody else, because the person may only look.
    """
    wrong, waits = list(_wrong(state)), _waits(state.questions, for_somebody=for_somebody)
    if wrong:
        return " ".join([*wrong, waits or t("Nothing else needs you.")])
    if waits:
        return f"{waits} {t('Everything else went well.')}"
    running = sum(row.status in ACTIVE_RUNS for row in state.recent)
    if running:
        return tn(
            "{count} run is under way; nothing needs you.", "{count} runs are under way; nothing needs you.", running
        )
    return t("All is well; nothing needs you.") if state.recent else t("Nothing has run here yet.")


def _waits(count: int, *, for_somebody: bool) -> str:
    if not count:
        return ""
    if for_somebody:
        return tn("{count} question waits for an answer.", "{count} questions wait for an answer.", count)
    return tn("{count} question waits for your answer.", "{count} questions wait for your answer.", count)


def _wrong(state: Attention) -> Iterator[str]:
    """Say what is wrong, the most urgent first; the rows and notices below say more."""
    if state.held is not None:
        yield t("Nothing is written for now.")
    if state.failed:
        yield _failed(state.failed)
    if interrupted := [row for row in state.interrupted if row not in state.failed]:
        yield tn("{count} run was interrupted.", "{count} runs were interrupted.", len(interrupted))
    accounts = list(dict.fromkeys(service_title(one.service) for one in state.accounts))
    if accounts:
        yield t("Sign in again: {accounts}.", accounts=", ".join(accounts))
    if state.alarms:
        yield tn("{count} trigger needs a look.", "{count} triggers need a look.", len(state.alarms))
    if state.budgets.alarms:
        yield tn(
            "{count} budget is used up, or nearly.",
            "{count} budgets are used up, or nearly.",
            len(state.budgets.alarms),
        )
    if state.trying_again:
        yield tn("{count} trigger is trying again.", "{count} triggers are trying again.", len(state.trying_again))


def _failed(rows: list[RunRow]) -> str:
    if len(rows) > 1:
        return tn("{count} run failed.", "{count} runs failed.", len(rows))
    [row] = rows
    when = ago(row.ended_at or row.started_at or row.queued_at)
    if row.status == RunStatus.SUCCEEDED:
        return t("A part of “{title}” failed {when}.", title=row.title, when=when)
    return t("“{title}” failed {when}.", title=row.title, when=when)
