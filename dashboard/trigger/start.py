"""Turn a trigger on: from where on items count as new, how many there are now, and what their runs will cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from clients.errors import ServiceError
from dashboard.base import session
from dashboard.base.language import N_, dialog, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.base.remedies import with_pages
from dashboard.parts.accounts import UsedAccount, account_badge, account_badges, accounts_of_plan
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box, errors_shown, message_markdown
from dashboard.parts.inputs import number
from dashboard.parts.times import ago, duration, full_time, near_time, viewer_zone
from dashboard.parts.unconfirmed import unconfirmed_words
from engine.base.errors import InvalidInput, OrchestraError
from engine.base.statuses import AccountMode
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
    st.markdown(f"**{plain(one.workflow_title or one.workflow)}: {plain(t(one.title))}**")
    _account(one)
    _accounts_of_runs(visit, one)
    with errors_shown():
        warning = visit.orchestra.triggers.status(visit.who, one.workflow, one.id).warning
        if warning:
            st.warning(plain_with_code(with_pages(translated(warning))), icon=":material/warning:")
    try:
        start = _choice(one)
    except InvalidInput as error:
        error_box(error)
        return
    what = f"{one.workflow} {one.id} {start}"
    _times(visit, one, start, what)
    if (start is None or not start.is_now) and st.button(t("Show what that would be"), key="start-look"):
        with errors_shown(), st.spinner(t("Checking …")):
            session.keep_draft(
                "trigger-preview", (what, visit.orchestra.triggers.preview(visit.who, one.workflow, one.id, start))
            )
    kept = session.draft("trigger-preview", None)
    if kept is not None and kept[0] == what and (start is None or not start.is_now):
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


def _account(one: TriggerStatus) -> None:
    """Say whose account it watches."""
    if one.connection is None:
        return
    service, mode = one.uses.partition(".")[0], AccountMode.DEMO if one.demo else AccountMode.MINE
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(t("It watches"), width="content")
        account_badge(UsedAccount(service, mode, "" if one.demo else one.account))
        st.caption(plain(t("connection {name}", name=one.connection)), width="content")


def _accounts_of_runs(visit: Visit, one: TriggerStatus) -> None:
    """Say whose accounts its runs use."""
    try:
        used = accounts_of_plan(visit, visit.orchestra.plan(visit.who, one.workflow, one.environment))
    except (OrchestraError, ServiceError):  # turning it on says why
        return
    if used:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="start-accounts"):
            st.markdown(t("Its runs use"), width="content")
            account_badges(used)


def _times(visit: Visit, one: TriggerStatus, start: Start | None, what: str) -> None:
    """Say when it polls next, in whose zone its times are, and what becomes of what is there already."""
    if one.connection is None and (start is None or start.is_now):
        found = None
        with errors_shown():
            found = _looked_ahead(visit, one, start, what)
        if found is None:
            return
        if found.next_at is not None:
            words = t("Next at {time}; its times are in {zone}.", time=full_time(found.next_at), zone=found.time_zone)
            st.markdown(plain(words))
            return
    st.markdown(t("It polls at once, then every {time}.", time=duration(one.poll_seconds)))
    if start is None:
        since = one.succeeded_at or one.turned_on_at
        if since:
            st.caption(plain(t("What has come since its last poll, {when}, starts runs.", when=ago(since))))
    elif start.is_now:
        st.caption(t("What is there already starts nothing."))
    else:
        st.caption(t("What is there already starts runs, too, at once."))


def _looked_ahead(visit: Visit, one: TriggerStatus, start: Start | None, what: str) -> TriggerPreview:
    """Return what it would find; it is asked once while the dialog is open."""
    kept: tuple[str, TriggerPreview] | None = session.draft("trigger-preview", None)
    if kept is None or kept[0] != what:
        kept = (what, visit.orchestra.triggers.preview(visit.who, one.workflow, one.id, start))
        session.keep_draft("trigger-preview", kept)
    return kept[1]


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
        st.markdown(f"- {plain(translated(touch.words))}")
    is_public = any(touch.kind == PUBLIC for touch in needed)
    is_agreed = not is_public or st.checkbox(t("I agree that it may be written there"), key="start-tick")
    return [touch.name for touch in needed], is_agreed


@dialog(N_("What it would process now"), icon=":material/visibility:", width="medium")
def would_process(visit: Visit, one: TriggerStatus) -> None:
    """Show what a poll would find now; nothing is started."""
    st.markdown(f"**{plain(one.workflow_title or one.workflow)}: {plain(t(one.title))}**")
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
        st.caption(plain(translated(preview.note)))
    if preview.cost is not None:
        st.caption(f":material/payments: {plain(translated(preview.cost.sentence))}")


def _item(item: PreviewItem) -> None:
    """Show one item: its title is text from outside."""
    when = f" :gray[{plain(ago(item.at))}]" if item.at else ""
    st.markdown(f"- {plain(item.title or item.id)}{when}")
    if item.is_unconfirmed:
        st.caption(f":orange[:material/gpp_maybe: {plain(unconfirmed_words())}]")
    if item.skip:
        st.caption(plain(t("Left out: {skip}.", skip=translated(item.skip))))
    if item.error is not None:
        st.caption(message_markdown(item.error.message, item.error.remedy))


def _turned_on(one: TriggerStatus) -> None:
    session.drop_draft("trigger-preview")
    when = t(" It polls next at {time}.", time=near_time(one.look_again_at)) if one.look_again_at else ""
    session.tell(t("{title} is on.{when}", title=t(one.title), when=when))
    st.rerun()
