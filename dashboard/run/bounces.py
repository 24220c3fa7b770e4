"""Mails of a run that could not be delivered, as reports in the mailbox say: for its page, and for each step."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.times import ago, full_time
from engine.record.types.run import Run
from engine.record.types.step import StepRecord
from engine.runs.bounced import UndeliveredMail

_SHOWN = 3


def run_bounces(visit: Visit, run: Run) -> None:
    """Show whom mails of the run did not reach: the first ones, and how many more there are."""
    found = _bounces(visit, run)
    if not found:
        return
    lines = [_words(one) for one in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(tn("And {count} more recipient", "And {count} more recipients", len(found) - _SHOWN))
    _said(lines, found[0])


def step_bounces(visit: Visit, run: Run, step: StepRecord) -> None:
    """Show whom the mail of a step did not reach."""
    found = [one for one in _bounces(visit, run) if one.path == step["path"]] if step["effect"] else []
    if found:
        _said([_words(one) for one in found], found[0])


def _bounces(visit: Visit, run: Run) -> list[UndeliveredMail]:
    return visit.orchestra.runs.bounces(visit.who, str(run["run_id"]))


def _said(lines: list[str], first: UndeliveredMail) -> None:
    st.warning("  \n".join(lines), icon=":material/unsubscribe:")
    words = t("A report in the mailbox says so ({when}). Anybody can send such a report.", when=ago(first.noticed_at))
    st.caption(plain(words), help=full_time(first.noticed_at) or None)


def _words(one: UndeliveredMail) -> str:
    recipient, why = plain(one.recipient), plain(one.diagnostic or one.status or t("no reason given"))
    if one.action == "delayed":
        return t("Not delivered to {recipient} yet: {why}", recipient=recipient, why=why)
    return t("Could not be delivered to {recipient}: {why}", recipient=recipient, why=why)
