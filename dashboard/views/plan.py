"""A plan: each write as it would be made, with the difference from what is there; Apply executes exactly that."""

from __future__ import annotations

import streamlit as st

from clients.plural import counted
from dashboard.base import session
from dashboard.base.page import Page, Visit
from dashboard.base.plain import outside_code, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.header import found, page_header, section
from dashboard.parts.times import full_time
from dashboard.parts.values import json_text
from engine.base.errors import UnknownName
from engine.budgets.limits import money
from engine.plugins.registry import step_type
from engine.record.plural import many
from engine.runs.planning.plan_documents import PlanDocument, PlannedWrite

PAGE = Page(title="Plan", icon=":material/preview:", path="plan", order=34, section="Work", in_menu=False)

_TRAIL = [("Plans", "plans")]
_LOOK_SECONDS = 2.0
_SHOWN = 100
_STATES = {
    "applied": "This plan has been applied. A plan is applied once.",
    "drifted": "The world has changed since this plan was made, so it was not applied, and nothing was written.",
    "expired": "This plan is too old to be applied.",
}
_AGAIN = ("drifted", "expired", "failed")


def show(visit: Visit) -> None:
    """Show the plan that `?id=` names."""
    plan_id = st.query_params.get("id", "")
    plan = found(visit, lambda: visit.orchestra.plans.show(visit.who, plan_id), "Plan", _TRAIL)
    page_header(visit, f"Plan: {plan['title']}", _summary(plan), trail=_TRAIL)
    if plan["state"] == "planning":
        st.info("The plan is being made: mails are read and models are asked. Nothing is written.")
        visit.orchestra.runs.wait(visit.who, plan_id, _LOOK_SECONDS)
        st.rerun()
    _top(visit, plan)
    _writes(plan)
    _others(plan)


def _summary(plan: PlanDocument) -> str:
    cost = plan["usage"]["cost_usd"]
    price = "cost not known" if cost is None else money(cost)
    tokens = counted(plan["usage"]["input_tokens"] + plan["usage"]["output_tokens"], "token")
    demo = ", on the demo" if plan["demo"] else ""
    return (
        f"{many(len(plan['writes']), 'write')}{demo}; {tokens}, {price}; made {full_time(plan['made_at'])}, "
        f"valid until {full_time(plan['expires_at'])}; hash {plan['hash'][:12]}"
    )


def _top(visit: Visit, plan: PlanDocument) -> None:
    """Show the button, or why the plan cannot be applied; what differs is told when it is pressed."""
    plan_id, error = plan["plan_id"], plan["error"]
    if error is not None:
        st.error(plain(f"The plan could not be made: {error['message']}"), icon=":material/error:")
    if plan["state"] in _STATES:
        st.warning(_STATES[plan["state"]], icon=":material/history:")
    if plan["applied_run_id"] is not None:
        visit.link("The run that applied it", "run", icon=":material/play_circle:", id=plan["applied_run_id"])
    visit.link("The log of the plan", "run", icon=":material/receipt_long:", id=plan_id)
    _changes(plan)
    if plan["state"] in _AGAIN and visit.may("run"):
        action_button(
            "Make a new plan",
            f"again-{plan_id}",
            lambda key: visit.orchestra.plans.again(visit.who, plan_id, request_key=key),
            lambda new_id: visit.go("plan", id=new_id),
            scope=plan_id,
            type="primary",
            icon=":material/preview:",
        )
    if plan["state"] == "open" and visit.may("run"):
        action_button(
            "Apply",
            f"apply-{plan_id}",
            lambda _key: visit.orchestra.plans.apply(visit.who, plan_id),
            lambda run_id: visit.go("run", id=run_id),
            scope=plan_id,
            type="primary",
            icon=":material/play_arrow:",
        )


def _changes(plan: PlanDocument) -> None:
    """Tell what had changed when the plan was to be applied."""
    if plan["changes"]:
        section("What has changed")
        for one in plan["changes"]:
            st.markdown(f"**{plain(one['path'])}** was {plain(one['before'])} and is now {plain(one['after'])}")


def _writes(plan: PlanDocument) -> None:
    """Show the writes, page by page if there are many: Apply makes all of them."""
    count, draft = len(plan["writes"]), f"plan.{plan['plan_id']}.first"
    first: int = session.draft(draft, 0)
    if count > _SHOWN:
        shown = f"Writes {first + 1} to {min(first + _SHOWN, count)} of {count} are shown; Apply makes all {count}."
        st.info(shown, icon=":material/format_list_numbered:")
    for write in plan["writes"][first : first + _SHOWN]:
        _write(write)
    with st.container(horizontal=True, gap="small"):
        if first and st.button(f"Previous {_SHOWN}", key="writes-previous", icon=":material/chevron_left:"):
            session.keep_draft(draft, max(0, first - _SHOWN))
            st.rerun()
        rest = min(_SHOWN, count - first - _SHOWN)
        if rest > 0 and st.button(f"Next {many(rest, 'write')}", key="writes-next", icon=":material/chevron_right:"):
            session.keep_draft(draft, first + _SHOWN)
            st.rerun()


def _write(write: PlannedWrite) -> None:
    preview = write["preview"]
    kind = _kind(write["uses"])
    title = (preview["title"] if preview is not None else write["title"]).removeprefix(f"{kind}: ")
    with st.container(border=True, key=f"write-{write['path']}"):
        st.markdown(f"**{plain(kind)}** · {plain(title)}")
        st.caption(plain(f"{write['path']} · {write['uses']} · {write['account']}"))
        if write["may"]:
            st.info(plain(write["may"]), icon=":material/help:")
        if write["approval"]:
            st.caption(":material/how_to_reg: A person approves this first.")
        if write["unknown"]:
            st.caption(plain(f"Not known yet: {', '.join(write['unknown'])}"))
        if preview is not None:
            is_new = preview["difference"] is None
            outside_code((preview["text"] if is_new else preview["difference"]) or "", None if is_new else "diff")
        with st.expander("Exact arguments"):
            outside_code(json_text(write["arguments"]))


def _kind(uses: str) -> str:
    """Return what a step type does, in words."""
    try:
        return step_type(uses).title
    except UnknownName:  # one of an earlier release
        return uses


def _others(plan: PlanDocument) -> None:
    if plan["kept"]:
        section("Kept")
        for kept in plan["kept"]:
            st.caption(plain(f"{kept['path']} · {kept['uses']} · {kept['note']}"))
    if plan["may_happen"]:
        section("May happen")
        for may in plan["may_happen"]:
            st.caption(plain(f"{may['path']} · {may['uses']} · {may['because']}"))
    if plan["notes"]:
        section("Also")
        for one in plan["notes"]:
            st.caption(plain(f"{one['path']} · {one['note']}"))
