"""Resume a run whose accounts have changed: show what it would now work on, and one button that agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from engine.base.errors import ConfirmationNeeded
from engine.record.types.run import Run


@dataclass(frozen=True)
class _Asked:
    """What somebody must agree to before the run goes on."""

    message: str
    names: list[str]
    newest: bool | None


def resume(visit: Visit, run: Run, *, newest: bool | None = None) -> Callable[[str], bool]:
    """Return a function that resumes the run when called; it returns False if `agree_panel` must ask somebody first.

    `newest`: with the newest file; None: if the run can go on with it.
    """
    run_id = str(run["run_id"])

    def act(_request_key: str) -> bool:
        try:
            visit.orchestra.runs.resume(visit.who, run_id, newest=newest)
        except ConfirmationNeeded as needed:
            session.keep_draft(_draft(run), _Asked(needed.message, needed.needs_confirmation, newest))
            return False
        return True

    return act


def agree_panel(visit: Visit, run: Run) -> None:
    """Ask for the agreement that the last attempt to resume lacked."""
    asked = session.draft(_draft(run), None)
    if asked is None:
        return
    with st.container(border=True, key="panel-agree"):
        st.markdown(t("**This run would use accounts that nobody has agreed to**"))
        st.warning(plain(translated(asked.message)), icon=":material/warning:")
        is_public = any(name.endswith(":public") for name in asked.names)
        is_ready = not is_public or st.checkbox(t("I agree that it may be written there"), key="agree-tick")
        with st.container(horizontal=True):
            _agree_button(visit, run, asked, is_ready=is_ready)
            if st.button(t("Not now"), key="agree-not-now", type="tertiary"):
                session.drop_draft(_draft(run))
                st.rerun()


def _agree_button(visit: Visit, run: Run, asked: _Asked, *, is_ready: bool) -> None:
    run_id = str(run["run_id"])
    agreeing = visit.who.agreeing(asked.names)

    def gone_on(_run_id: str) -> None:
        session.drop_draft(_draft(run))
        st.rerun()

    action_button(
        t("Agree and continue"),
        "agree",
        lambda _key: visit.orchestra.runs.resume(agreeing, run_id, newest=asked.newest),
        gone_on,
        scope=f"{run_id} {len(run.get('resumed', []))} {asked.names}",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not is_ready,
    )


def _draft(run: Run) -> str:
    return f"agree.{run['run_id']}.{len(run.get('resumed', []))}"
