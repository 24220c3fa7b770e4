"""*Tune for a model* on the Cases tab of a prompt: what it may cost, how far it is, and what it proposes."""

from __future__ import annotations

import streamlit as st

from dashboard.base import fields
from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.editing.draft import EditorDraft
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box, errors_shown
from dashboard.parts.popover import close, popover
from dashboard.prompt.asking import cases_agreed, cases_needed, model_named
from dashboard.prompt.draft import is_changed
from dashboard.prompt.proposal import proposal
from engine.budgets.limits import money
from engine.prompts.prompt_files import PromptFile
from engine.runs.prompt_tries.tuned import TunedVariant, TuneReport, TuneRequest

_LOOK_SECONDS = 0.5


def tune_popover(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    """Show the button that opens the choice of a model, with what tuning for it may cost."""
    name, slot = file.name, f"tune-{file.name}"
    with popover(t("Tune for a model"), slot, ":material/auto_fix_high:"), errors_shown():
        st.markdown(
            t("Tries changes of the saved text with the cases, and proposes the best. It changes nothing itself.")
        )
        if is_changed(draft):
            st.info(t("Save what you have changed first."))
            return
        offered = visit.orchestra.tries.connections(visit.who)
        connection = ""
        if len(offered) > 1:
            connection = st.selectbox(t("Connection"), offered, key=f"tune-connection-{name}", persist_state="session")
        model = fields.text_input(
            t("Model"),
            key=f"tune-model-{name}",
            placeholder=t("That of the prompt, else of the connection"),
            persist_state="session",
        )
        wanted = TuneRequest(model.strip(), connection)
        tuning = visit.orchestra.copilot.prompting.tuning
        st.caption(plain(translated(tuning.cost(visit.who, name, wanted).words)))
        needed = cases_needed(visit, name, [(connection, model.strip() or model_named(file.document))])
        is_agreed = cases_agreed(needed, f"tune-agree-{name}")

        def begun(_work: object) -> None:
            close(slot)
            st.rerun()

        action_button(
            t("Tune"),
            f"tune-{name}",
            lambda _key: tuning.begin(visit.who.agreeing(needed.names), name, wanted),
            begun,
            scope=f"{file.etag} {wanted} {needed.names}",
            type="primary",
            icon=":material/auto_fix_high:",
            disabled=not is_agreed,
        )


def is_tuning(visit: Visit, name: str) -> bool:
    """Return whether the person's tuning of a prompt is at work."""
    work = visit.orchestra.copilot.prompting.tuning.work(visit.who, name) if visit.may("edit") else None
    return work is not None and not work.is_over


def between_rounds(visit: Visit, name: str) -> None:
    """Show that the next round is coming; once it is there, or all is over, draw the whole page."""

    @st.fragment(run_every=_LOOK_SECONDS)
    def body() -> None:
        last = visit.orchestra.case_tests.last(visit.who, name)
        if not is_tuning(visit, name) or (last is not None and last["status"] == "running"):
            st.rerun()
        st.progress(0.0, t("Tuning …"))

    body()


def tuned(visit: Visit, name: str, draft: EditorDraft) -> None:
    """Show what the person's last tuning has found, and the text that it proposes."""
    work = visit.orchestra.copilot.prompting.tuning.work(visit.who, name) if visit.may("edit") else None
    if work is None or not work.is_over:
        return
    if work.error is not None:
        error_box(work.error)
    if work.report is not None:
        _report(visit, work.report, draft)


def _report(visit: Visit, report: TuneReport, draft: EditorDraft) -> None:
    with st.expander(t("Tuned for {model}", model=plain(report.model or report.connection)), expanded=True):
        st.markdown(plain(translated(report.words)))
        st.dataframe([_row(report, one) for one in report.variants], hide_index=True)
        known = {one.id: one for one in visit.orchestra.copilot.prompting.proposals.list(visit.who, report.prompt)}
        if report.proposal in known:
            proposal(visit, known[report.proposal], draft)


def _row(report: TuneReport, one: TunedVariant) -> dict[str, object]:
    row: dict[str, object] = {t("Variant"): translated(one.title), **_shares(one.passed, one.unsure, report.cases, "")}
    if report.held_back:
        row |= _shares(one.held_back_passed, one.held_back_unsure, report.held_back, t("others: "))
    cost = t("not known") if one.cost_usd is None else money(one.cost_usd)
    return {**row, t("Tokens"): round(one.tokens), t("Cost"): cost, t("Seconds"): one.seconds}


def _shares(passed: int | None, unsure: int | None, cases: int, whose: str) -> dict[str, object]:
    """Return the cells right, unsure and wrong; empty for cases that were not asked."""
    wrong = None if passed is None or unsure is None else cases - passed - unsure
    return {f"{whose}{t('right')}": passed, f"{whose}{t('unsure')}": unsure, f"{whose}{t('wrong')}": wrong}
