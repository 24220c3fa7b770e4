"""A plan: each write as it would be made, with the difference from what is there; Apply executes exactly that."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Page, Visit
from dashboard.base.plain import outside_badge, outside_code, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown
from dashboard.parts.header import found, page_header, section
from dashboard.parts.status import environment_words
from dashboard.parts.step_words import exact, type_title
from dashboard.parts.times import full_time
from dashboard.parts.values import json_text
from engine.base.clock import duration_seconds
from engine.base.errors import PlanDrift
from engine.base.json_text import JsonObject
from engine.budgets.limits import money
from engine.mail.schedule import LATER, LATER_TITLE
from engine.runs.planning.plan_documents import ALWAYS_ASK, PlanDocument, PlannedWrite, writes_nothing

PAGE = Page(title=N_("Plan"), icon=":material/preview:", path="plan", order=34, section=N_("Runs"), in_menu=False)

_TRAIL = [(N_("Plans"), "plans")]
_LOOK_SECONDS = 2.0
_SHOWN = 100
_STATES = {
    "applied": N_("This plan has been applied. A plan is applied once."),
    "drifted": N_("The world has changed since this plan was made, so it was not applied, and nothing was written."),
    "expired": N_("This plan is too old to be applied."),
}
_AGAIN = ("drifted", "expired", "failed")


def show(visit: Visit) -> None:
    """Show the plan that `?id=` names."""
    plan_id = st.query_params.get("id", "")
    plan = found(visit, lambda: visit.orchestra.plans.show(visit.who, plan_id), N_("Plan"), _TRAIL)
    page_header(visit, t("Plan: {title}", title=plan["title"]), _summary(plan), trail=_TRAIL)
    environment = plan["environment"]
    if environment is not None:
        outside_badge(environment_words(environment["name"], environment["version"]), ":material/layers:")
    if plan["state"] == "planning":
        st.info(t("The plan is being made: mails are read and models are asked. Nothing is written."))
        visit.orchestra.runs.wait(visit.who, plan_id, _LOOK_SECONDS)
        st.rerun()
    _top(visit, plan)
    _writes(plan)
    _others(plan)


def _summary(plan: PlanDocument) -> str:
    cost = plan["usage"]["cost_usd"]
    price = t("cost not known") if cost is None else money(cost)
    tokens = tn("{count} token", "{count} tokens", plan["usage"]["input_tokens"] + plan["usage"]["output_tokens"])
    demo = t(", on the demo") if plan["demo"] else ""
    return t(
        "{writes}{demo}; {tokens}, {price}; made {made_at}, valid until {expires_at}; hash {hash}",
        writes=tn("{count} write", "{count} writes", len(plan["writes"])),
        demo=demo,
        tokens=tokens,
        price=price,
        made_at=full_time(plan["made_at"]),
        expires_at=full_time(plan["expires_at"]),
        hash=plan["hash"][:12],
    )


def _top(visit: Visit, plan: PlanDocument) -> None:
    """Show the button, or why the plan cannot be applied; pressing it shows what differs."""
    plan_id, error = plan["plan_id"], plan["error"]
    if error is not None:
        said = t("The plan could not be made: {message}", message=translated(error["message"]))
        st.error(message_markdown(said, error["remedy"] or ""), icon=":material/error:")
    if plan["state"] in _STATES:
        st.warning(t(_STATES[plan["state"]]), icon=":material/history:")
    if plan["applied_run_id"] is not None:
        visit.link(t("The run that applied it"), "run", icon=":material/play_circle:", id=plan["applied_run_id"])
    visit.link(t("The log of the plan"), "run", icon=":material/receipt_long:", id=plan_id)
    _changes(plan)
    if plan["state"] in _AGAIN and visit.may("run"):
        action_button(
            t("Make a new plan"),
            f"again-{plan_id}",
            lambda key: visit.orchestra.plans.again(visit.who, plan_id, request_key=key),
            lambda new_id: visit.go("plan", id=new_id),
            scope=plan_id,
            type="primary",
            icon=":material/preview:",
        )
    if plan["state"] == "open" and writes_nothing(plan):
        st.info(t("Nothing would be written, so there is nothing to apply."), icon=":material/check_circle:")
    elif plan["state"] == "open" and visit.may("run"):
        _gaps(plan)
        action_button(
            t("Apply"),
            f"apply-{plan_id}",
            lambda _key: _applied(visit, plan_id),
            lambda run_id: visit.go("run", id=run_id) if run_id else st.rerun(),
            scope=plan_id,
            type="primary",
            icon=":material/play_arrow:",
        )


def _gaps(plan: PlanDocument) -> None:
    """Warn of texts that are not finished: what a plan has shown is made as it is."""
    unfinished = [write for write in plan["writes"] if write["gaps"]]
    if not unfinished:
        return
    told = tn(
        "{count} write has gaps to fill in: {gaps}. Apply makes it as it is.",
        "{count} writes have gaps to fill in: {gaps}. Apply makes them as they are.",
        len(unfinished),
        gaps=", ".join(dict.fromkeys(gap for write in unfinished for gap in write["gaps"])),
    )
    if all(write["approval"] for write in unfinished):
        instead = t(
            "To fill them in, run the workflow instead: it asks for approval first, and the texts can be edited there."
        )
    else:
        instead = tn(
            "A run makes it as it is, too, unless the workflow has {setting}.",
            "A run makes them as they are, too, unless the workflow has {setting}.",
            len(unfinished),
            setting=ALWAYS_ASK,
        )
    st.warning(plain(f"{told} {instead}"), icon=":material/edit:")


def _applied(visit: Visit, plan_id: str) -> str:
    """Apply a plan; return the run, or "" if the plan no longer fits: the page then says what has changed.

    The second click of a double click leads to the run that the first one has started.
    """
    try:
        return visit.orchestra.plans.apply(visit.who, plan_id)
    except PlanDrift:
        return visit.orchestra.plans.show(visit.who, plan_id)["applied_run_id"] or ""


def _changes(plan: PlanDocument) -> None:
    """Tell what had changed when the plan was to be applied."""
    if plan["changes"]:
        section(t("What has changed"))
        for one in plan["changes"]:
            st.markdown(
                t(
                    "**{path}** was {before} and is now {after}",
                    path=plain(one["path"]),
                    before=plain(one["before"]),
                    after=plain(one["after"]),
                )
            )


def _writes(plan: PlanDocument) -> None:
    """Show the writes, page by page if there are many: Apply makes all of them."""
    count, draft = len(plan["writes"]), f"plan.{plan['plan_id']}.first"
    first: int = session.draft(draft, 0)
    if count > _SHOWN:
        shown = t(
            "Writes {count} to {last} of {count_2} are shown; Apply makes all {count_2}.",
            count=first + 1,
            last=min(first + _SHOWN, count),
            count_2=count,
        )
        st.info(shown, icon=":material/format_list_numbered:")
    for write in plan["writes"][first : first + _SHOWN]:
        _write(write)
    with st.container(horizontal=True, gap="small"):
        if first and st.button(
            t("Previous {shown}", shown=_SHOWN), key="writes-previous", icon=":material/chevron_left:"
        ):
            session.keep_draft(draft, max(0, first - _SHOWN))
            st.rerun()
        rest = min(_SHOWN, count - first - _SHOWN)
        if rest > 0 and st.button(
            t("Next {writes}", writes=tn("{count} write", "{count} writes", rest)),
            key="writes-next",
            icon=":material/chevron_right:",
        ):
            session.keep_draft(draft, first + _SHOWN)
            st.rerun()


def _write(write: PlannedWrite) -> None:
    preview = write["preview"]
    kind = type_title(write["uses"])
    title = (preview["title"] if preview is not None else write["title"]).removeprefix(f"{kind}: ")
    with st.container(border=True, key=f"write-{write['path']}"):
        st.markdown(f"**{plain(kind)}** · {plain(title)}")
        st.caption(plain(write["account"]), help=exact(write["path"], write["uses"]))
        if write["may"]:
            st.info(plain(write["may"]), icon=":material/help:")
        if write["approval"]:
            st.caption(t(":material/how_to_reg: A person approves this first."))
        if write["unknown"]:
            st.caption(plain(t("Not known yet: {unknown}", unknown=", ".join(write["unknown"]))))
        if preview is not None:
            is_new = preview["difference"] is None
            text = (preview["text"] if is_new else preview["difference"]) or ""
            outside_code(_with_local_time(text, write["arguments"]), None if is_new else "diff")
        with st.expander(t("Exact arguments")):
            outside_code(json_text(write["arguments"]))


def _with_local_time(text: str, arguments: JsonObject) -> str:
    """Return what a write would do, with the time at which a mail goes out in the viewer's zone."""
    given = arguments.get(LATER)
    if not isinstance(given, str) or not given or duration_seconds(given) is not None:
        return text
    return text.replace(f"{LATER_TITLE}: {given}\n", f"{t(LATER_TITLE)}: {full_time(given)}\n", 1)


def _others(plan: PlanDocument) -> None:
    if plan["kept"]:
        section(t("Kept"))
        for kept in plan["kept"]:
            st.markdown(f"**{plain(type_title(kept['uses']))}** · {plain(kept['title'])}")
            st.caption(plain(translated(kept["note"])), help=exact(kept["path"], kept["uses"]))
    if plan["may_happen"]:
        section(t("May happen"))
        for may in plan["may_happen"]:
            words = f"{type_title(may['uses'])}: {translated(may['because'])}"
            st.caption(plain(words), help=exact(may["path"], may["uses"]))
    if plan["notes"]:
        section(t("Also"))
        for one in plan["notes"]:
            st.caption(plain(f"{one['path']} · {translated(one['note'])}"))
