"""The Try tab of a prompt: its messages with values filled in, and what a model answers to them."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from msgspec import structs

from dashboard.base import fields
from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import outside_marked, plain
from dashboard.editing.draft import EditorDraft
from dashboard.parts.accounts import account_badges, own_model
from dashboard.parts.errors import errors_shown
from dashboard.parts.popover import popover
from dashboard.parts.values import cut
from dashboard.prompt import answer
from dashboard.prompt.asking import Asking, ask_button, digest, model_named, needed_for
from dashboard.prompt.draft import typed
from dashboard.prompt.values import TryValues, given_values
from dashboard.prompt.versions import name_of
from engine.documents.json_file import object_in
from engine.prompts.prompt import MarkedMessage
from engine.prompts.prompt_files import PromptFile
from engine.runs.prompt_tries.records import Try
from engine.runs.prompt_tries.try_requests import TryRequest

_TYPED = 0
"""In the choice of a text: the one in the editor."""


@dataclass(frozen=True)
class _Asked:
    """What the options say."""

    connection: str
    model: str


def try_tab(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    """Show the text with values filled in; people with the right can ask a model with it."""
    left, right = st.columns([2, 3], gap="large")
    with left, errors_shown():
        text = _text(visit, file, draft)
        document = object_in(text)
        if document is None:
            st.info(t("Correct the text first: it is not JSON."), icon=":material/data_object:")
            return
        given = given_values(visit, file.name, document)
        messages = visit.orchestra.prompts.marked(visit.who, file.name, document, given.variables)
        if visit.may("run"):
            _ask(visit, file.name, text, given)
        with right:
            answer.answer(visit, file.name)
            _messages(messages)


def _text(visit: Visit, file: PromptFile, draft: EditorDraft) -> str:
    """Show the choice between the editor's text and the saved versions; return the chosen text."""
    if not file.versions:
        return typed(draft).text
    number = st.selectbox(
        t("Text to try"),
        [_TYPED, *sorted(file.versions, reverse=True)],
        format_func=lambda one: name_of(one, file.labels) if one else t("As it is in the editor"),
        key=f"try-text-{file.name}",
        persist_state="session",
    )
    return visit.orchestra.prompts.get(visit.who, file.name, number).text if number else typed(draft).text


def _messages(messages: list[MarkedMessage]) -> None:
    tokens = sum(one["tokens"] for one in messages)
    st.markdown(
        t("**As the model receives it** :gray[about {tokens}]", tokens=tn("{count} token", "{count} tokens", tokens))
    )
    for message in messages:
        share = round(100 * message["tokens"] / tokens)
        marked = list(dict.fromkeys(one["variable"] for one in message["parts"] if one["variable"]))
        with_values = t(" · marked: the values of {marked}", marked=", ".join(marked)) if marked else ""
        st.caption(
            plain(
                t(
                    "{role} · about {tokens}, {share} %{marked}",
                    role=message["role"],
                    tokens=tn("{count} token", "{count} tokens", message["tokens"]),
                    share=share,
                    marked=with_values,
                )
            )
        )
        outside_marked([(cut(one["text"]), one["variable"] or "") for one in message["parts"]])


def _ask(visit: Visit, name: str, text: str, given: TryValues) -> None:
    tries = visit.orchestra.tries
    connections = tries.connections(visit.who)
    if not connections:
        st.info(t("There is no connection to a model yet: add one on the page Connections."), icon=":material/cable:")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"ask-bar-{name}"):
        place = st.empty()
        asked = _options(name, connections, own_model(visit))
        account_badges(one for one in visit.orchestra.connections.list(visit.who) if one.name == asked.connection)
    with errors_shown():
        wanted = _try_request(text, given, asked)
        needed = needed_for(visit, name, [(asked.connection, asked.model or model_named(object_in(text)))])
        asking = Asking(
            name, t("Ask the model"), lambda who: tries.start(who, name, wanted), _begun, digest(structs.asdict(wanted))
        )
        ask_button(visit, asking, needed, place)


def _begun(one: Try) -> None:
    st.query_params[answer.PARAM] = one["id"]


def _options(name: str, connections: list[str], own: str) -> _Asked:
    with popover(t("Options"), f"try-options-{name}", ":material/tune:"):
        connection = st.selectbox(
            t("Connection"),
            connections,
            index=connections.index(own) if own in connections else 0,
            key=f"try-connection-{name}",
            persist_state="session",
            disabled=len(connections) < 2,
        )
        model = fields.text_input(
            t("Model"),
            key=f"try-model-{name}",
            placeholder=t("That of the prompt, else of the connection"),
            persist_state="session",
        )
    return _Asked(connection or connections[0], model.strip())


def _try_request(text: str, given: TryValues, asked: _Asked) -> TryRequest:
    return TryRequest(
        text=text,
        variables=given.variables,
        sample=given.sample,
        run_id=given.run_id,
        step=given.step,
        connection=asked.connection,
        model=asked.model,
    )
