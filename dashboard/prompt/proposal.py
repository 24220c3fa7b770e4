"""A text that the co-pilot proposes for a prompt: its difference, how the cases go, and whether to take it."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_badge, outside_code, plain
from dashboard.editing.draft import EditorDraft
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import problem_list
from dashboard.prompt.asking import cases_agreed, cases_needed, model_named
from dashboard.prompt.draft import begin, is_changed
from dashboard.prompt.test_bar import PARAM
from engine.copilot.prompting.records import CaseReport, PromptProposal, Testing
from engine.documents.json_file import object_in

_STATUSES = {
    "open": N_("Not decided yet"),
    "accepted": N_("Accepted"),
    "rejected": N_("Rejected"),
    "stale": N_("The prompt has changed since"),
}


def proposal(visit: Visit, one: PromptProposal, draft: EditorDraft) -> None:
    """Show a proposal; an open one can be tested, accepted and rejected."""
    with st.container(border=True, key=f"proposal-{one.id}"):
        outside_badge(t(_STATUSES.get(one.status, one.status)), ":material/edit_note:")
        st.markdown("\n".join(f"- {plain(translated(sentence))}" for sentence in one.sentences))
        with st.expander(t("Difference"), expanded=one.status == "open"):
            outside_code(one.diff, "diff")
        if one.problems:
            problem_list(one.problems, one.text)
        if one.report is not None:
            _report(one.report)
        elif one.not_tested:
            st.caption(plain(translated(one.not_tested)))
        if one.status == "accepted" and one.version is not None:
            st.caption(plain(t("The text from before is version {version}.", version=one.version)))
        if one.status == "open" and one.is_acceptable:
            _actions(visit, one, draft)


def _report(report: CaseReport) -> None:
    said = t(
        "{before} of {count} cases pass before, {after} with this text.",
        before=report.passed_before,
        after=report.passed_after,
        count=len(report.cases),
    )
    if report.unsure_before or report.unsure_after:
        counts = {"before": report.unsure_before, "after": report.unsure_after}
        more = t("Unsure in {before} before, in {after} with this text.", **counts)
        said = f"{said} {more}"
    (st.warning if report.worse else st.success)(said)
    rows = [
        {t("Case"): one.title, t("Before"): translated(one.before), t("With this text"): translated(one.after)}
        for one in report.cases
    ]
    st.dataframe(rows, hide_index=True)

    def opened() -> None:
        st.query_params.update({"tab": "cases", PARAM: report.test_id})

    st.button(t("See the answers"), key=f"answers-{report.test_id}", type="tertiary", on_click=opened)


def _actions(visit: Visit, one: PromptProposal, draft: EditorDraft) -> None:
    texts = visit.orchestra.copilot.prompting.proposals
    keys = {tick.id: f"tick-{one.id}-{tick.id}" for tick in one.ticks}
    given = [tick.id for tick in one.ticks if st.checkbox(plain(translated(tick.words)), key=keys[tick.id])]

    def accepted(_one: PromptProposal) -> None:
        begin(visit.orchestra.prompts.get(visit.who, one.prompt))
        session.tell(t("It is the draft now. *Save and use* lets workflows use it."))
        st.rerun()

    with st.container(horizontal=True, gap="small"):
        action_button(
            t("Accept"),
            f"accept-{one.id}",
            lambda _key: texts.accept(visit.who, one.prompt, one.id, given),
            accepted,
            scope=str(given),
            type="primary",
            disabled=len(given) < len(one.ticks) or is_changed(draft),
        )
        action_button(
            t("Reject"),
            f"reject-{one.id}",
            lambda _key: texts.reject(visit.who, one.prompt, one.id),
            lambda _one: st.rerun(),
        )
    if one.report is None and visit.may("run"):
        _test(visit, one)


def _test(visit: Visit, one: PromptProposal) -> None:
    needed, is_agreed = agreement(visit, one.prompt, f"test-agree-{one.id}", model_named(object_in(one.text)))
    action_button(
        t("Test it with the cases"),
        f"test-{one.id}",
        lambda _key: visit.orchestra.copilot.prompting.proposals.test(
            visit.who.agreeing(needed), one.prompt, one.id, Testing(connection_of(visit))
        ),
        lambda _one: st.rerun(),
        icon=":material/fact_check:",
        disabled=not is_agreed,
    )


def agreement(visit: Visit, name: str, key: str, model: str) -> tuple[list[str], bool]:
    """Ask to agree to the real accounts that answer the cases; return these, and whether a person has agreed."""
    if not visit.orchestra.cases.list(visit.who, name):
        return [], True
    needed = cases_needed(visit, name, [(connection_of(visit), model)])
    return needed.names, cases_agreed(needed, key)


def connection_of(visit: Visit) -> str:
    """Return the connection that answers the cases: the co-pilot's."""
    return visit.orchestra.copilot.talking.setup(visit.who).connection
