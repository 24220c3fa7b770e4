"""Model servers of this machine: searched for on request, offered with a button, never used automatically."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import number, size_text, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.connection.check import tell_tested, try_own
from dashboard.connection.fetched_model import follow
from dashboard.connection.new import fetched_model_button
from dashboard.parts.buttons import action_button
from engine.connections.local_models import OLLAMA, LocalServer, ServedModel

if TYPE_CHECKING:
    from engine.connections.statuses import ConnectionStatus

_FOUND = "local-models"
_FETCHED = "local-models-fetched"
"""The name of the model that was just downloaded."""


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
        st.caption(t("No server answers on the usual ports of Ollama, LM Studio, llama.cpp, vLLM and Jan."))
    for server in found:
        if server.needs_key:
            st.caption(plain(t("{kind} answers at {address}. Enter this address and its key.", **_place(server))))
        else:
            _offer(visit, status, server)
    if status.own_key_source not in ("", "config.yaml") and not all(one.needs_key for one in found):
        st.caption(t("A key is only for its address: *Use it* removes it when the address changes."))


def _place(server: LocalServer) -> dict[str, str]:
    return {"kind": server.kind, "address": server.base_url}


def _offer(visit: Visit, status: ConnectionStatus, server: LocalServer) -> None:
    place = f"{status.name}-{server.base_url}"
    models = {one.name: one for one in server.models}
    fetched = server.model(session.draft(_FETCHED, ""))
    chosen = fetched.name if fetched is not None else ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = st.selectbox(
            plain(t("{kind} at {address}", **_place(server))),
            list(models),
            [*models].index(chosen) if chosen else 0,
            format_func=lambda name: _line(models[name]),
            key=f"local-model-{place}-{chosen}",
        )
        action_button(
            t("Use it"),
            f"local-use-{place}",
            lambda _key: visit.orchestra.connections.use_model(
                visit.who, status.name, server.base_url, str(model or ""), server.embedding_model
            ),
            lambda saved: _used(visit, saved),
            scope=str(model),
        )
    if server.embedding_model:
        said = t(
            "For embeddings, {model} is used, unless the connection names another model of this server.",
            model=server.embedding_model,
        )
        st.caption(plain(said))
    if server.kind == OLLAMA:
        _download(visit, place, server)


def _download(visit: Visit, place: str, server: LocalServer) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(t("Model to download"), key=f"local-download-{place}", placeholder="llama3.2:3b").strip()
        action_button(
            t("Download model"),
            f"local-download-begin-{place}",
            lambda _key: visit.orchestra.connections.begin_fetch(visit.who, server.base_url, name),
            lambda fetch: follow(fetch, lambda now: _downloaded(now, name)),
            scope=name,
            icon=":material/download:",
        )


def _downloaded(visit: Visit, name: str) -> None:
    session.keep_draft(_FETCHED, name)
    look_for_models(visit)
    session.tell(t("{model} is on this machine. To work with it, press Use it.", model=name))
    st.rerun()


def _line(model: ServedModel) -> str:
    """Return what is known of a model in one line: `llama3.2 · 2.0 GB · reads 131,072 tokens · tools`."""
    able = {
        "tools": t("tools"),
        "schema": t("JSON by a schema"),
        "vision": t("pictures"),
        "embeddings": t("embeddings only"),
    }
    size = size_text(model.size_bytes) if model.size_bytes else ""
    reads = t("reads {count} tokens", count=number(model.context_tokens)) if model.context_tokens else ""
    return " · ".join(filter(None, [model.name, size, reads, *(able[one] for one in model.abilities)]))


def _keep(found: list[LocalServer]) -> None:
    session.keep_draft(_FOUND, found)
    st.rerun()


def _used(visit: Visit, saved: ConnectionStatus) -> None:
    session.drop_draft(_FOUND)
    with st.spinner(t("Testing …")):
        try_own(visit, saved)
    tell_tested(saved)
    st.rerun()
