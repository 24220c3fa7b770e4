"""A try of a prompt: what the model answered, what is wrong with that, and what it cost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.base.prose import outside_answer, outside_prose
from dashboard.parts.accounts import scripted_badge
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown
from dashboard.parts.status import status_badge
from dashboard.parts.times import ago, duration, full_time
from dashboard.parts.usage import usage_words
from dashboard.parts.values import cut, shown_value
from dashboard.prompt import values
from dashboard.prompt.asked import earlier, until_ended
from dashboard.prompt.save_case import save_case
from engine.base.statuses import RunStatus
from engine.runs.prompt_tries.records import Try, TryAnswer

PARAM = "try"
"""The parameter of the address that names the try shown: a reload shows it again."""
_TAIL_LETTERS = 4_000


def answer(visit: Visit, name: str) -> None:
    """Show the try that the address names, and the choice of another one."""
    tries = visit.orchestra.tries.list(visit.who, name)
    if not tries:
        return
    shown = next((one for one in tries if one["id"] == st.query_params.get(PARAM)), None)
    if shown is not None and shown["status"] == RunStatus.RUNNING:
        until_ended(lambda: visit.orchestra.tries.get(visit.who, name, shown["id"]), partial(shown_waiting, visit))
    elif shown is not None:
        _ended(visit, shown)
    lines, wanted = {one["id"]: _line(one) for one in tries}, st.query_params.get(PARAM)
    none = t("Show the answer to an earlier try")
    earlier(t("Earlier tries"), PARAM, f"tries-{name}", lines, wanted if wanted in lines else None, none=none)


def shown_waiting(visit: Visit, begun: Try) -> None:
    """Show the text that has come so far, and a button that stops waiting."""
    tries, name, try_id = visit.orchestra.tries, begun["prompt"], begun["id"]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        status_badge(RunStatus.RUNNING)
        st.caption(
            plain(t("{model} is asked, since {started_at}", model=begun["model"], started_at=ago(begun["started_at"])))
        )
        if visit.may("run"):
            action_button(
                t("Stop"),
                f"stop-{try_id}",
                lambda _key: tries.cancel(visit.who, name, try_id),
                lambda _one: st.rerun(),
                icon=":material/stop:",
            )
    text = tries.live(visit.who, try_id)
    if text:
        outside_prose(text if len(text) <= _TAIL_LETTERS else f"… {text[-_TAIL_LETTERS:]}")


def _ended(visit: Visit, one: Try) -> None:
    with st.container(border=True, key=f"try-{one['id']}"):
        shown_try(one)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            try_actions(visit, one)


def try_actions(visit: Visit, one: Try) -> None:
    """Show what can be done with an answer, in an existing row."""
    if one["answer"] is not None:
        name = one["prompt"]
        make = partial(visit.orchestra.tries.case_of, visit.who, name, one["id"])
        save_case(visit, name, one["id"], str(one["source"].get("sample") or ""), make)
    _take_button(one)


def shown_try(one: Try, show_text: Callable[[str], None] | None = None) -> None:
    """Show how a try ended, what it cost, and the answer; `show_text` shows an answer that is not JSON."""
    found, error = one["answer"], one["error"]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        status_badge(one["status"])
        if one["demo"]:
            scripted_badge()
        st.caption(plain(" · ".join(_facts(one))))
    if error is not None:
        st.error(message_markdown(error["message"], error["remedy"] or ""), icon=":material/error:")
    if one["status"] == RunStatus.CANCELLED:
        st.info(t("Nobody is waiting for this answer now. The model may still charge for it."), icon=":material/info:")
    if one["status"] == RunStatus.INTERRUPTED:
        st.warning(t("The program ended before the answer came."), icon=":material/warning:")
    if found is not None:
        _answered(one, found, show_text)
    for note in one["notes"]:
        st.info(plain(translated(note)), icon=":material/info:")


def _answered(one: Try, found: TryAnswer, show_text: Callable[[str], None] | None) -> None:
    if found["problems"]:
        listed = "\n".join(f"- {plain(problem)}" for problem in found["problems"])
        st.warning(t("The answer has problems:\n{listed}", listed=listed), icon=":material/warning:")
    elif one["output_schema"]:
        st.badge(t("Fits the format of the answer"), icon=":material/check:", color="green")
    if found["value"] is not None:
        shown_value(found["value"], one["id"])
    elif show_text is not None:
        show_text(found["text"])
    else:
        outside_answer(cut(found["text"]), one["id"])


def _facts(one: Try) -> list[str]:
    account = f" ({one['account']})" if one["account"] else ""
    seconds = [] if one["seconds"] is None else [duration(one["seconds"])]
    return [
        t(
            "{model}, connection {connection}{account}",
            model=one["model"] or t("no model"),
            connection=one["connection"],
            account=account,
        ),
        *seconds,
        *usage_words(one["usage"]),
    ]


def _take_button(one: Try) -> None:
    def take() -> None:
        st.query_params[values.PARAM] = values.of_try(one["id"])

    st.button(
        t("Use these values again"), key=f"take-{one['id']}", type="tertiary", icon=":material/input:", on_click=take
    )


def _line(one: Try) -> str:
    which = t("unsaved text") if one["version"] is None else t("version {version}", version=one["version"])
    return f"{full_time(one['started_at'])}, {which}, {one['model'] or t('no model')}"
