"""Turning a trigger on: from where on things count as new, how many that is now, and what it will cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from clients.counting import counted
from dashboard import session
from dashboard.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown, told
from dashboard.parts.plain import plain
from dashboard.parts.times import ago, viewer_zone
from engine.trigger import Start, StartFrom
from engine.triggering.status import PreviewItem, TriggerPreview, TriggerStatus

_WORDS: dict[StartFrom, str] = {
    "now": "Only what comes from now on",
    "last": "Also the newest that are there already",
    "since": "Also what has come since a day",
}
_GO_ON = "Go on from where it was"
_SHOWN = 10


@st.dialog("Turn on", icon=":material/sensors:", width="medium")
def start_dialog(visit: Visit, one: TriggerStatus) -> None:
    """Ask from where on things count as new, show what that means now, and turn the trigger on."""
    st.markdown(f"**{plain(one.workflow_title or one.workflow)}: {plain(one.title)}**")
    start = _choice(one)
    what = f"{one.workflow} {one.id} {start}"
    if (start is None or not start.is_now) and st.button("Show what that is now", key="start-look"):
        with told(), st.spinner("Looking …"):
            session.keep_draft(
                "trigger-preview", (what, visit.orchestra.triggers.preview(visit.who, one.workflow, one.id, start))
            )
    kept = session.draft("trigger-preview", None)
    if kept is not None and kept[0] == what:
        _preview(kept[1])
    if not visit.orchestra.is_confirmed(visit.who, one.workflow):
        st.caption("Its runs work on your own accounts. By turning it on you agree to that.")

    def turn_on(_key: str) -> TriggerStatus:
        return visit.orchestra.triggers.turn_on(visit.who, one.workflow, one.id, start)

    action_button("Turn on", "start-on", turn_on, _turned_on, scope=what, type="primary", icon=":material/sensors:")


@st.dialog("What it would process now", icon=":material/visibility:", width="medium")
def would_process(visit: Visit, one: TriggerStatus) -> None:
    """Show what a look would find at this moment; nothing is started."""
    st.markdown(f"**{plain(one.workflow_title or one.workflow)}: {plain(one.title)}**")
    with told(), st.spinner("Looking …"):
        _preview(visit.orchestra.triggers.preview(visit.who, one.workflow, one.id))


def _choice(one: TriggerStatus) -> Start | None:
    """Return the beginning that is chosen; None goes on from where the trigger was."""
    choices = [_WORDS[kind] for kind in one.start_from]
    if not one.needs_start:
        choices.insert(0, _GO_ON)
    chosen = st.radio("What counts as new?", choices, key="start-from") if len(choices) > 1 else choices[0]
    if chosen == _GO_ON:
        return None
    if chosen == _WORDS["last"]:
        return Start(last=int(st.number_input("How many", 1, 10_000, 10, key="start-last")))
    if chosen == _WORDS["since"]:
        today = datetime.now(UTC).astimezone(viewer_zone()).date()
        day = st.date_input("Since", today - timedelta(days=1), max_value=today, key="start-since")
        return Start(since=datetime(day.year, day.month, day.day, tzinfo=viewer_zone()).astimezone(UTC))
    return Start()


def _preview(preview: TriggerPreview) -> None:
    if preview.count == 0 and not preview.items:
        st.info("Nothing is new at this moment.", icon=":material/done_all:")
    else:
        more = " at least" if preview.has_more else ""
        st.info(f"{counted(preview.count, 'run')}{more} would start.", icon=":material/play_arrow:")
    for item in preview.items[:_SHOWN]:
        _item(item)
    if len(preview.items) > _SHOWN or preview.has_more:
        st.caption(f"… and {len(preview.items) - _SHOWN} more" if len(preview.items) > _SHOWN else "… and more")
    if preview.note:
        st.caption(plain(preview.note))
    if preview.cost is not None:
        st.caption(f":material/payments: {plain(preview.cost.sentence)}")


def _item(item: PreviewItem) -> None:
    """Show one thing: its title is text from outside."""
    when = f" :gray[{plain(ago(item.at))}]" if item.at else ""
    st.markdown(f"- {plain(item.title or item.id)}{when}")
    if item.skip:
        st.caption(plain(f"Left out: {item.skip}."))
    if item.error is not None:
        st.caption(message_markdown(item.error.message, item.error.remedy))


def _turned_on(one: TriggerStatus) -> None:
    session.drop_draft("trigger-preview")
    session.tell(f"{one.title} is on.")
    st.rerun()
