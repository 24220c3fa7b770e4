"""The message on steps that wait for a budget: one line per budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.errors import message_markdown
from dashboard.parts.notices import budget_words
from dashboard.parts.times import near_time
from engine.base.errors import OrchestraError
from engine.record.types.run import Run
from engine.record.types.step import HeldBudget, StepRecord

if TYPE_CHECKING:
    from engine.orchestra import Orchestra
    from engine.people.access import Principal
    from engine.runs.budgets import BudgetRow


def is_budget_wait(step: StepRecord) -> bool:
    """Return whether a step waits for a budget."""
    held = step.get("held")
    return held is not None and bool(held.get("is_budget"))


def budgets_seen(orchestra: Orchestra, who: Principal) -> str:
    """Return a fingerprint of what `budget_waits` says of the budgets."""
    rows = _rows(orchestra, who) or ()
    return " ".join(f"{one.period} {one.workflow} {one.sentence} {one.state} {one.ends_at}" for one in rows)


def budget_waits(visit: Visit, steps: Sequence[StepRecord], run: Run | None = None) -> None:
    """Say for each budget that steps of a run wait for how it is now, with a link to the page on which they resume."""
    if not steps:
        return
    rows, workflow = _rows(visit.orchestra, visit.who), str(run["workflow"]) if run is not None else ""
    for told in _by_budget(steps).values():
        held = told[-1]["held"]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if rows is None or not told[-1]["due_at"]:
                state = _as_told(held["message"])
            else:
                state = _state(held.get("budget"), rows, workflow)
            st.markdown(f":material/savings: {_waiting(told)} {state}", width="content")
            visit.link(t("Open Budgets"), "budgets", icon=":material/arrow_forward:")


def _rows(orchestra: Orchestra, who: Principal) -> Sequence[BudgetRow] | None:
    """Return the budgets, except for a run's own, which only the run knows; None if config.yaml cannot be read."""
    try:
        return [one for one in orchestra.budgets.overview(who).budgets if one.used is not None]
    except OrchestraError:
        return None


def _by_budget(steps: Sequence[StepRecord]) -> Mapping[tuple[str, ...], list[StepRecord]]:
    """Return the steps by their budget; an earlier release has not recorded which one it is."""
    found: dict[tuple[str, ...], list[StepRecord]] = {}
    for step in steps:
        budget = step["held"].get("budget")
        found.setdefault((budget["period"], budget["workflow"]) if budget else (), []).append(step)
    return found


def _waiting(steps: Sequence[StepRecord]) -> str:
    if len(steps) > 1:
        return tn("**{count} step waits.**", "**{count} steps wait.**", len(steps))
    return t("**{title}** waits.", title=plain(str(steps[0]["title"] or steps[0]["id"])))


def _as_told(message: str) -> str:
    """Return the message that a step got when it began to wait."""
    said, _, remedy = message.partition(". ")
    return message_markdown(f"{said}.", remedy)


def _state(budget: HeldBudget | None, rows: Sequence[BudgetRow], workflow: str) -> str:
    """Return the state of the budget that is waited for, or of another one that the run has reached since, in words."""
    wanted = (budget["period"], budget["workflow"]) if budget else None
    named = next((one for one in rows if (one.period, one.workflow or "") == wanted), None)
    whose = {None, workflow, named.workflow if named else None}
    others = [one for one in rows if one.workflow in whose and one.on_limit != "warn"]
    over = next((one for one in (named, *others) if one is not None and one.state == "used_up"), None)
    if over is not None:
        said = t("{words} is used up: {sentence}.", words=budget_words(over), sentence=over.sentence)
        return plain(f"{said} {_until(over)}")
    if named is None:
        return plain(t("The budget is no longer used up. Press Resume on the page Budgets."))
    words, sentence = budget_words(named), named.sentence
    return plain(
        t("{words} has room again: {sentence}. Press Resume on the page Budgets.", words=words, sentence=sentence)
    )


def _until(over: BudgetRow) -> str:
    at = "" if over.ends_at is None else near_time(over.ends_at)
    return t("It goes on by itself at {at}; or raise the budget and press Resume on the page Budgets.", at=at)
