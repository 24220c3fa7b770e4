"""The Co-pilot tab of a prompt: what was asked, what the model has said and proposed, and the next question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.base import fields
from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, outside_text, plain
from dashboard.base.prose import outside_prose
from dashboard.editing.draft import EditorDraft
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.usage import usage_words
from dashboard.prompt.asking import model_named
from dashboard.prompt.draft import is_changed
from dashboard.prompt.proposal import agreement, proposal
from engine.base.errors import OrchestraError
from engine.copilot.prompting.records import PromptAbout, PromptProposal
from engine.copilot.talking.records import AnswerPart, Conversation, ModelSetup, Turn
from engine.prompts.prompt_files import PromptFile

_LOOK_SECONDS = 0.5
_SHOWN = 5
_PERSON, _MODEL = ":material/person:", ":material/smart_toy:"


@dataclass(frozen=True)
class _Question:
    """A question of the model, whose choices are buttons at a place in its answer."""

    choices: list[str]
    place: DeltaGenerator


@dataclass(frozen=True)
class _Asking:
    """What goes to the model with the words of a person."""

    visit: Visit
    prompt: str
    number: int
    cases: list[str]
    agreed: list[str]

    def button(
        self,
        label: str,
        key: str,
        words: str,
        type: Literal["primary", "secondary"] = "secondary",  # noqa: A002 - Streamlit's word
        icon: str | None = None,
    ) -> None:
        """Show a button that asks with these words."""
        action_button(
            label,
            key,
            lambda _key: self.visit.orchestra.copilot.prompting.start(
                self.visit.who.agreeing(self.agreed), self.prompt, words, PromptAbout(self.cases)
            ),
            lambda _turn: st.rerun(),
            scope=f"{self.number} {hash(words)} {self.cases} {self.agreed}",
            type=type,
            icon=icon,
        )


def copilot_tab(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    """Show the conversation; people with the right can ask."""
    if not visit.may("edit"):
        st.info(t("Only people who may edit can ask the co-pilot."), icon=":material/lock:")
        return
    with errors_shown():
        setup = visit.orchestra.copilot.talking.setup(visit.who)
        if not setup.is_available:
            st.info(plain(translated(setup.why_not)))
            visit.link(t("Connections"), "connections", icon=":material/cable:")
            return
        found = visit.orchestra.copilot.prompting.conversation(visit.who, file.name)
        is_working = bool(found.turns) and found.turns[-1].status == "working"
        can_ask = setup.is_agreed and not is_working and not is_changed(draft)
        questions = _turns(visit, file, found, draft, can_ask=can_ask)
        if is_working:
            _waiting(visit, file.name, found.turns[-1])
        elif not setup.is_agreed:
            _agreement(visit, setup)
        elif not can_ask:
            st.info(t("Save what you have changed first: the co-pilot works on the saved text."))
        else:
            _ask(visit, file, found, questions)


def _agreement(visit: Visit, setup: ModelSetup) -> None:
    st.markdown(plain(t("To {model} at {host} would go:", model=setup.model, host=setup.host)))
    st.markdown("\n".join(f"- {plain(translated(one))}" for one in setup.sends))
    action_button(
        t("Agree to it"),
        "copilot-agree",
        lambda _key: visit.orchestra.copilot.talking.agree(visit.who, setup.host, setup.model),
        lambda _setup: st.rerun(),
        scope=f"{setup.host} {setup.model}",
        type="primary",
    )


def _turns(
    visit: Visit, file: PromptFile, found: Conversation, draft: EditorDraft, *, can_ask: bool
) -> list[_Question]:
    """Show the newest turns; return the questions of the last one if it can be answered now."""
    known = {one.id: one for one in visit.orchestra.copilot.prompting.proposals.list(visit.who, file.name)}
    questions: list[_Question] = []
    for turn in found.turns[-_SHOWN:]:
        with st.chat_message("user", avatar=_PERSON):
            outside_text(turn.asked)
        if turn.status == "working":
            continue
        with st.chat_message("assistant", avatar=_MODEL):
            for part in turn.parts:
                _part(visit, part, known, draft)
                if part.choices and can_ask and turn is found.turns[-1]:
                    questions.append(_Question(part.choices, st.container(horizontal=True, gap="small")))
                elif part.choices:
                    st.markdown("\n".join(f"- {plain(one)}" for one in part.choices))
            if turn.problem:
                st.warning(plain(translated(turn.problem)), icon=":material/warning:")
            used = {"input_tokens": turn.usage.input_tokens, "output_tokens": turn.usage.output_tokens}
            words = usage_words({**used, "cost_usd": turn.usage.cost_usd})
            st.caption(plain(" · ".join([turn.sent.model, *words])))
    return questions


def _part(visit: Visit, part: AnswerPart, known: dict[str, PromptProposal], draft: EditorDraft) -> None:
    if part.kind == "proposal":
        if part.proposal_id in known:
            proposal(visit, known[part.proposal_id], draft)
    elif part.kind == "code":
        outside_code(part.text, part.language or None)
    else:
        outside_prose(part.text, is_framed=False)


def _waiting(visit: Visit, name: str, turn: Turn) -> None:
    """Show that an answer is being written, and a button that stops it."""
    prompting = visit.orchestra.copilot.prompting

    @st.fragment(run_every=_LOOK_SECONDS)
    def body() -> None:
        try:
            turns = prompting.conversation(visit.who, name).turns
        except OrchestraError:
            st.rerun()
        if not turns or turns[-1].status != "working":
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(plain(t("{model} is asked, and the cases with what it proposes.", model=turn.sent.model)))
            action_button(
                t("Stop"),
                f"copilot-stop-{turn.id}",
                lambda _key: prompting.stop(visit.who, name, turn.id),
                lambda _turn: st.rerun(),
                icon=":material/stop:",
            )

    body()


def _ask(visit: Visit, file: PromptFile, found: Conversation, questions: list[_Question]) -> None:
    """Show the field for the next question, and a button for each choice of the model's: one press answers."""
    name, number = file.name, len(found.turns)
    said = fields.text_area(
        t("What should change?"),
        "",
        key=f"copilot-words-{name}-{number}",
        placeholder=t("Make it shorter, and keep the cases green."),
        height=96,
        persist_state="session",
    )
    ticked = _ticked(visit, name, number)
    needed, is_agreed = agreement(visit, name, f"copilot-agree-{name}", model_named(file.document))
    asking = _Asking(visit, name, number, ticked, needed if is_agreed else [])
    with st.container(horizontal=True, gap="small"):
        asking.button(t("Ask the co-pilot"), f"copilot-ask-{name}", said, "primary", ":material/send:")
        if found.turns:
            action_button(
                t("Begin anew"),
                f"copilot-forget-{name}",
                lambda _key: visit.orchestra.copilot.prompting.forget(visit.who, name),
                lambda _none: st.rerun(),
                scope=str(number),
                type="tertiary",
            )
    for at, one in enumerate(questions):
        with one.place:
            for index, choice in enumerate(one.choices):
                asking.button(plain(choice), f"copilot-choice-{name}-{number}-{at}-{index}", choice)


def _ticked(visit: Visit, name: str, number: int) -> list[str]:
    """Show the choice of the cases whose values may be sent."""
    titles = {one.case: one.title for one in visit.orchestra.cases.list(visit.who, name)}
    return st.multiselect(
        t("Cases whose values may be sent"),
        list(titles),
        format_func=lambda one: titles[one],
        key=f"copilot-cases-{name}-{number}",
        help=t("Values of cases are text from outside. Once they are sent, each new instruction needs a tick."),
    )
