"""Model servers of this machine: searched for on request, offered with a button, never used automatically."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.connection.check import tell_tested, try_own
from dashboard.connection.new import fetched_model_button
from dashboard.parts.buttons import action_button
from engine.connections.local_models import LocalServer

if TYPE_CHECKING:
    from engine.connections.statuses import ConnectionStatus

_FOUND = "local-models"


def look_for_models(visit: Visit) -> None:
    """Search at once, as the button does: for whoever comes to connect a model."""
    session.keep_draft(_FOUND, visit.orchestra.connections.local_models(visit.who))


def local_models(visit: Visit, status: ConnectionStatus) -> None:
    """Show the button that searches, and each server found."""
    action_button(
        t("Look for a model on this machine"),
        f"local-models-{status.name}",
        lambda _key: visit.orchestra.connections.local_models(visit.who),
        _keep,
        type="tertiary",
        icon=":material/search:",
    )
    fetched_model_button(visit, status.name)
    found: Sequence[LocalServer] | None = session.draft(_FOUND, None)
    if found is None:
        return
    if not found:
        st.caption(t("No server answers on the usual ports of Ollama, LM Studio, llama.cpp and vLLM."))
    for server in found:
        _offer(visit, status, server)


def _offer(visit: Visit, status: ConnectionStatus, server: LocalServer) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = st.selectbox(
            plain(f"{server.kind} at {server.base_url}"),
            server.models,
            key=f"local-model-{status.name}-{server.base_url}",
        )
        settings = {"base_url": server.base_url, **({"model": str(model)} if model else {})}
        action_button(
            t("Use it"),
            f"local-use-{status.name}-{server.base_url}",
            lambda _key: visit.orchestra.connections.give_key(visit.who, status.name, "", settings),
            lambda saved: _used(visit, saved),
            scope=str(model),
        )


def _keep(found: list[LocalServer]) -> None:
    session.keep_draft(_FOUND, found)
    st.rerun()


def _used(visit: Visit, saved: ConnectionStatus) -> None:
    session.drop_draft(_FOUND)
    with st.spinner(t("Testing …")):
        try_own(visit, saved)
    tell_tested(saved)
    st.rerun()
