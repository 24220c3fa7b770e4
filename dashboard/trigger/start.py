"""Turn a trigger on: from where on items count as new, how many there are now, and what their runs will cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from clients.errors import ServiceError
from dashboard.base import session
from dashboard.base.language import N_, dialog, t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box, errors_shown, message_markdown
from dashboard.parts.inputs import number
from dashboard.parts.times import ago, viewer_zone
from engine.base.errors import InvalidInput, OrchestraError
from engine.plugins.trigger import Start, StartFrom
from engine.runs.starting.consent import PUBLIC
from engine.triggering.polling.status import PreviewItem, TriggerPreview, TriggerStatus

_WORDS: dict[StartFrom, str] = {
    "now": N_("Only items from now on"),
    "last": N_("Also the newest existing items"),
    "since": N_("Also items since a certain day"),
}
_GO_ON = N_("Continue from where it stopped")
_SHOWN = 10
_MOST = 10_000


@dialog(N_("Turn on"), icon=":material/sensors:", width="medium")
def start_dialog(visit: Visit, one: TriggerStatus) -> None:
    """Ask from where on items count as new, show what that means now, and turn the trigger on."""
    st.markdown(f"**{plain(one.workflow_title or one.workflow)}: {plain(one.title)}**")
    if one.warning:
        st.warning(plain_with_code(one.warning), icon=":material/warning:")
    try:
        start = _choice(one)
    except InvalidInput as error:
        error_box(error)
        return
    what = f"{one.workflow} {one.id} {start}"
    if (start is None or not start.is_now) and st.button(t("Show what that would be"), key="start-look"):
        with errors_shown(), st.spinner(t("Checking …")):
            session.keep_draft(
                "trigger-preview", (what, visit.orchestra.triggers.preview(visit.who, one.workflow, one.id, start))
            )
    kept = session.draft("trigger-preview", None)
    if kept is not None and kept[0] == what:
        _preview(kept[1])
    needed, is_agreed = _agreed(visit, one)

    def turn_on(_key: str) -> TriggerStatus:
        return visit.orchestra.triggers.turn_on(visit.who.agreeing(needed), one.workflow, one.id, start)

    action_button(
        t("Turn on"),
        "start-on",
        turn_on,
        _turned_on,
        scope=what,
        type="primary",
        icon=":material/sensors:",
        disabled=not is_agreed,
    )


def _agreed(visit: Visit, one: TriggerStatus) -> tuple[list[str], bool]:
    """Show what its runs would touch without an agreement yet; return the names, and whether all are ticked."""
    try:
        needed = visit.orchestra.triggers.needs_confirmation(visit.who, one.workflow, one.id)
    except (OrchestraError, ServiceError) as error:
        error_box(error)
        return [], False
    if needed:
        st.caption(t("Its runs use what is yours. By turning it on, you agree to this:"))
    for touch in needed:
        st.markdown(f"- {plain(touch.words)}")
    is_public = any(touch.kind == PUBLIC for touch in needed)
    is_agreed = not is_public or st.checkbox(t("I agree that it may be written there"), key="start-tick")
    return [touch.name for touch in needed], is_agreed


@dialog(N_("What it would process now"), icon=":material/visibility:", width="medium")
def would_process(visit: Visit, one: TriggerStatus) -> None:
    """Show what a poll would find now; nothing is started."""
    st.markdown(f"**{plain(one.workflow_title or one.workflow)}: {plain(one.title)}**")
    with errors_shown(), st.spinner(t("Checking …")):
        _preview(visit.orchestra.triggers.preview(visit.who, one.workflow, one.id))


def _choice(one: TriggerStatus) -> Start | None:
    """Return the chosen beginning; None continues from where the trigger was."""
    choices = [t(_WORDS[kind]) for kind in one.start_from]
    if not one.needs_start:
        choices.insert(0, t(_GO_ON))
    chosen = st.radio(t("What counts as new?"), choices, key="start-from") if len(choices) > 1 else choices[0]
    if chosen == t(_GO_ON):
        return None
    if chosen == t(_WORDS["last"]):
        return Start(last=int(number(t("How many"), (1, _MOST), 10, key="start-last")))
    if chosen == t(_WORDS["since"]):
        today = datetime.now(UTC).astimezone(viewer_zone()).date()
        day = st.date_input(t("Since"), today - timedelta(days=1), max_value=today, key="start-since")
        return Start(since=datetime(day.year, day.month, day.day, tzinfo=viewer_zone()).astimezone(UTC))
    return Start()


def _preview(preview: TriggerPreview) -> None:
    if preview.count == 0 and not preview.items:
        st.info(t("There is nothing new right now."), icon=":material/done_all:")
    else:
        more = t(" at least") if preview.has_more else ""
        st.info(
            t("{runs}{more} would start.", runs=tn("{count} run", "{count} runs", preview.count), more=more),
            icon=":material/play_arrow:",
        )
    for item in preview.items[:_SHOWN]:
        _item(item)
    behind = preview.behind(min(len(preview.items), _SHOWN))
    if behind or preview.has_more:
        st.caption(t("… and {behind} more", behind=behind) if behind else t("… and more"))
    if preview.note:
        st.caption(plain(preview.note))
    if preview.cost is not None:
        st.caption(f":material/payments: {plain(preview.cost.sentence)}")


def _item(item: PreviewItem) -> None:
    """Show one item: its title is text from outside."""
    when = f" :gray[{plain(ago(item.at))}]" if item.at else ""
    st.markdown(f"- {plain(item.title or item.id)}{when}")
    if item.skip:
        st.caption(plain(t("Left out: {skip}.", skip=item.skip)))
    if item.error is not None:
        st.caption(message_markdown(item.error.message, item.error.remedy))


def _turned_on(one: TriggerStatus) -> None:
    session.drop_draft("trigger-preview")
    session.tell(t("{title} is on.", title=one.title))
    st.rerun()
