"""Use a small model on this machine: what it takes is shown first, then it is fetched, connected and tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from clients.service import FetchedModel, Service
from dashboard.base import session
from dashboard.base.language import number, size_text, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.connection.check import tell_tested, try_own
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box
from engine.base.errors import OrchestraError
from engine.base.services import client_class

if TYPE_CHECKING:
    from engine.connections.fetches import ModelFetch

_SLOT = "fetched-model"
_LOOK_SECONDS = 1.0


def choose_model(visit: Visit, kind: Service, name: str) -> None:
    """Show what each model takes and can do, and the button that fetches the chosen one."""
    titles = {one.name: one for one in kind.models}
    chosen = st.selectbox(
        t("Model"), list(titles), format_func=lambda one: titles[one].title, key=f"fetched-model-{kind.name}"
    )
    model = titles[chosen]
    _facts(model, is_here=client_class(kind.name).is_fetched(model.name))
    if absence := kind.lacks({}):
        st.warning(plain_with_code(f"{absence} {kind.install}"), icon=":material/inventory_2:")
        return
    action_button(
        t("Fetch and use it"),
        f"fetch-model-{kind.name}",
        lambda _key: visit.orchestra.connections.begin_fetch(visit.who, kind.name, model.name),
        lambda fetch: follow(fetch, lambda now: _connect(now, kind.name, name, fetch)),
        scope=f"{name} {model.name}",
        type="primary",
        icon=":material/download:",
    )


def _facts(model: FetchedModel, *, is_here: bool) -> None:
    st.markdown(plain(t(model.ability)))
    download = t("Already on this machine") if is_here else size_text(model.download_bytes)
    rows = [
        (t("Download"), download),
        (t("Disk"), size_text(model.disk_bytes)),
        (t("Memory while it runs"), t("about {size}", size=size_text(model.memory_bytes))),
    ]
    st.markdown("\n".join(f"- {label}: **{value}**" for label, value in rows))
    st.markdown(t("Licence: [{licence}]({url})", licence=plain(model.licence), url=model.licence_url))
    st.caption(t("Nothing that it reads leaves this machine. Its server ends after ten minutes without a request."))


def follow(fetch: ModelFetch, then: Callable[[Visit], object]) -> None:
    """Let the page show the progress of a model, and do `then` once it is there."""
    session.keep_draft(_SLOT, (fetch, then))
    st.rerun()


def model_under_way(visit: Visit) -> None:
    """Show the progress of the model that this browser has asked for, with a button that cancels it."""
    fetch: ModelFetch | None
    fetch, then = session.draft(_SLOT, (None, None))
    if fetch is None:
        return
    if fetch.ended.is_set() or fetch.is_cancelled:
        session.drop_draft(_SLOT)
        if fetch.error is not None:
            error_box(fetch.error)
        elif not fetch.is_cancelled:
            then(visit)
        return

    @st.fragment(run_every=_LOOK_SECONDS)
    def look() -> None:
        if fetch.ended.is_set():
            st.rerun()
        st.progress(fetch.share, plain(_progress(fetch)))
        if st.button(t("Cancel"), key="fetched-model-cancel", type="tertiary", on_click=fetch.cancel):
            st.rerun()

    look()


def _progress(fetch: ModelFetch) -> str:
    if not fetch.whole_bytes:
        return t("Fetching {model} …", model=fetch.title)
    return t(
        "Fetching {model}: {arrived} of {whole} ({percent} %)",
        model=fetch.title,
        arrived=size_text(fetch.arrived_bytes),
        whole=size_text(fetch.whole_bytes),
        percent=number(100 * fetch.share),
    )


def _connect(visit: Visit, service: str, name: str, fetch: ModelFetch) -> None:
    try:
        status = visit.orchestra.connections.add(visit.who, name, service, {"model": fetch.name})
    except OrchestraError as error:
        error_box(error)
        return
    with st.spinner(t("Testing …")):
        try_own(visit, status)
    tell_tested(status)
    st.rerun()
