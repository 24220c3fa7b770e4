"""The list of plans: what runs would write."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t
from dashboard.base.messages import translated
from dashboard.base.page import Page, Visit
from dashboard.base.plain import outside_badge, plain
from dashboard.parts.empty import empty
from dashboard.parts.header import page_header
from dashboard.parts.times import full_time

PAGE = Page(
    title=N_("Plans"),
    icon=":material/preview:",
    path="plans",
    order=33,
    section=N_("Runs"),
    words=N_("preview dry run"),
)

_SHOWN = 25
_OLDER = "plans.older"


def show(visit: Visit) -> None:
    """List the plans, newest first, page by page."""
    page_header(visit, t("Plans"), t("What runs would write."))
    before: str | None = session.draft(_OLDER, None)
    page = visit.orchestra.plans.list(visit.who, before=before, limit=_SHOWN)
    if not page["plans"]:
        words = t("What a run would write, before anything is written. The button *Plan* of a workflow makes one.")
        empty(words, ":material/preview:", visit, t("Workflows"), "workflows")
    for plan in page["plans"]:
        with st.container(key=f"plan-row-{plan['plan_id']}"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                visit.title_link(plan["title"], "plan", id=plan["plan_id"])
                if plan["environment"]:
                    outside_badge(plan["environment"], ":material/layers:")
            st.markdown(plain(translated(plan["sentence"]) or t("Being made")))
            demo = t(", demo") if plan["demo"] else ""
            st.caption(
                plain(
                    t(
                        "{state}{demo}, made {made_at} by {made_by}",
                        state=plan["state"],
                        demo=demo,
                        made_at=full_time(plan["made_at"]),
                        made_by=plan["made_by"],
                    )
                )
            )
    with st.container(horizontal=True, gap="small"):
        if before is not None and st.button(t("Newest"), key="plans-newest", icon=":material/chevron_left:"):
            session.drop_draft(_OLDER)
            st.rerun()
        if page["next"] is not None and st.button(t("Older"), key="plans-older", icon=":material/chevron_right:"):
            session.keep_draft(_OLDER, page["next"])
            st.rerun()
