"""What was asked with a prompt: it is watched until it has ended, and an earlier one can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.parts.buttons import action_button
from engine.base.errors import OrchestraError
from engine.base.statuses import RunStatus

if TYPE_CHECKING:
    from engine.runs.prompt_tries.matrix import Matrix

Asked = TypeVar("Asked", bound=Mapping[str, Any])
_LOOK_SECONDS = 0.5


def until_ended(get: Callable[[], Asked], show: Callable[[Asked], None]) -> None:
    """Show how far it is, again and again; once it has ended, draw the whole page."""

    @st.fragment(run_every=_LOOK_SECONDS)
    def body() -> None:
        try:
            now = get()
        except OrchestraError:
            st.rerun()
        if now["status"] != RunStatus.RUNNING:
            st.rerun()
        show(now)

    body()


def test_running(visit: Visit, begun: Matrix) -> None:
    """Show how far a test is, and a button that stops it."""
    tests, name, test_id = visit.orchestra.case_tests, begun["prompt"], begun["id"]

    def show(matrix: Matrix) -> None:
        done = sum(len(cell) for column in matrix["columns"] for cell in column["cells"].values())
        most = len(matrix["cases"]) * len(matrix["columns"]) * matrix["repeat"]
        st.progress(
            min(done / max(most, 1), 1.0),
            t("{done} of {answers}", done=done, answers=tn("{count} answer", "{count} answers", most)),
        )
        if visit.may("run"):
            action_button(
                t("Stop"),
                f"test-stop-{test_id}",
                lambda _key: tests.cancel(visit.who, name, test_id),
                lambda _one: st.rerun(),
                icon=":material/stop:",
            )

    until_ended(lambda: tests.get(visit.who, name, test_id), show)


def earlier(
    label: str, param: str, key: str, lines: Mapping[str, str], shown: str | None, *, none: str = "", inner: str = ""
) -> None:
    """Show the choice of what the parameter `param` of the address names.

    `lines`: what can be chosen, by id; `none`: what it says where nothing is chosen, empty if something always is;
    `inner`: a parameter that names a part of what is shown.
    """

    def chosen() -> None:
        picked = session.mirrored(key, shown)
        st.query_params.pop(inner, None)
        if picked is None:
            st.query_params.pop(param, None)
        else:
            st.query_params[param] = str(picked)

    st.selectbox(
        label,
        list(lines),
        index=None if none else 0,
        format_func=lambda one: lines[one],
        placeholder=none or None,
        key=session.mirror(key, shown),
        on_change=chosen,
    )
