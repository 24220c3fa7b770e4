"""The tab Rules of a workflow: what answers about mails in place of a model, how often it did, what is proposed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.drawing.steps import steps_of
from dashboard.parts.buttons import action_button
from dashboard.parts.empty import empty
from dashboard.parts.errors import errors_shown
from dashboard.parts.header import section
from dashboard.parts.step_words import rule_words
from dashboard.parts.times import ago
from engine.base.json_text import JsonObject, compact

if TYPE_CHECKING:
    from engine.runs.rules.proposals import MatchedMail, RuleProposal
    from engine.runs.rules.rules import RuleUse, StepRules, WorkflowRules
    from engine.workflows.workflow_files import WorkflowFile

_CONDITIONS = {
    "from": N_("The sender is"),
    "list": N_("The mailing list is"),
    "subject_is": N_("The subject is"),
    "subject_contains": N_("The subject contains"),
}
"""By the name that files use."""
_EXAMPLES = {"from": "news@example.org", "list": "news.lists.example.org"}


def may_have_rules(file: WorkflowFile) -> bool:
    """Return whether a step of the workflow asks a model."""
    return any(str(entry.step.uses).startswith("llm.") for entry in steps_of(file.document))


def rules_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the rules of each step that asks a model about a mail."""
    with errors_shown():
        found = visit.orchestra.rules.of(visit.who, file.name)
        if not found.steps:
            empty(t("No step here asks a model to choose among fixed answers about a mail."), ":material/rule:")
            return
        st.markdown(
            t("Some mail always gets the same answer. The first matching rule gives it, at once and at no cost.")
        )
        for one in found.steps:
            _step(visit, found, one, has_title=len(found.steps) > 1)


def _step(visit: Visit, found: WorkflowRules, one: StepRules, *, has_title: bool) -> None:
    if has_title:
        section(one.title)
    for proposal in one.proposals:
        _proposal(visit, found, one, proposal)
    for rule in one.rules:
        _rule(visit, found, one, rule)
    if not one.rules:
        st.caption(t("No rule yet: the model is asked about each mail."))
    if visit.may("edit"):
        with st.expander(t("New rule"), icon=":material/add:", expanded=not one.rules and not one.proposals):
            _new(visit, found, one)


def _proposal(visit: Visit, found: WorkflowRules, one: StepRules, proposal: RuleProposal) -> None:
    place = f"{one.step}-{one.proposals.index(proposal)}"
    with st.container(border=True, key=f"proposal-{place}"):
        st.badge(t("Proposed"), icon=":material/lightbulb:", color="orange")
        st.markdown(_sentence(proposal.when, proposal.answer))
        corrections = tn(
            "{count} such mail was corrected to this answer.",
            "{count} such mails were corrected to this answer.",
            proposal.corrections,
        )
        st.caption(f"{corrections} {_would(found, proposal)}")
        _empty_fields(proposal.left_empty)
        with st.expander(t("These mails")):
            for mail in proposal.mails:
                _mail(visit, mail)
        if visit.may("edit"):
            action_button(
                t("Add this rule"),
                f"accept-{place}",
                partial(_add, visit, found, one.step, {**proposal.when, "answer": proposal.answer}),
                lambda _: _told(t("The rule is added. It applies from the next run.")),
                scope=f"{found.etag} {compact(proposal.when)}",
                type="primary",
                icon=":material/rule:",
            )


def _would(found: WorkflowRules, proposal: RuleProposal) -> str:
    runs = tn("the last run", "the last {count} runs", found.runs)
    held = tn(
        "In {runs}, the rule would have matched {count} mail.",
        "In {runs}, the rule would have matched {count} mails.",
        proposal.matches,
        runs=runs,
    )
    if not proposal.wrong:
        return held
    return f"{held} " + tn("{count} of them had another answer.", "{count} of them had other answers.", proposal.wrong)


def _mail(visit: Visit, mail: MatchedMail) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        visit.link(mail.title or t("(no subject)"), "run", id=mail.run_id, step=mail.step)
        st.caption(plain(f"{mail.sender} · {_values(mail.answer)}"), width="content")
        if mail.is_corrected:
            st.badge(t("Corrected"), icon=":material/rule:", color="orange")


def _rule(visit: Visit, found: WorkflowRules, one: StepRules, rule: RuleUse) -> None:
    place = f"{one.step}-{rule.number}"
    with st.container(border=True, key=f"rule-{place}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"{rule.number}\\. {_sentence(rule.when, rule.answer)}", width="stretch")
            if visit.may("edit"):
                _buttons(visit, found, one, rule, place)
        if rule.note:
            st.caption(plain(rule.note))
        _empty_fields(rule.left_empty)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(_uses(found, rule), width="content")
            if rule.last_run:
                visit.link(t("The last run"), "run", icon=":material/arrow_forward:", id=rule.last_run)


def _uses(found: WorkflowRules, rule: RuleUse) -> str:
    runs = tn("the last run", "the last {count} runs", found.runs)
    if not rule.answered:
        return t("It has not answered in {runs}.", runs=runs) if found.runs else t("Nothing has run yet.")
    return tn(
        "It has answered {count} time in {runs}, last {at}.",
        "It has answered {count} times in {runs}, last {at}.",
        rule.answered,
        runs=runs,
        at=ago(rule.last_at),
    )


def _buttons(visit: Visit, found: WorkflowRules, one: StepRules, rule: RuleUse, place: str) -> None:
    rules, name, etag = visit.orchestra.rules, found.workflow, found.etag

    def button(icon: str, label: str, key: str, act: Callable[[], Any], words: str, *, is_off: bool = False) -> None:
        action_button(
            label,
            f"{key}-{place}",
            lambda _: act(),
            lambda _: _told(words),
            scope=etag,
            type="tertiary",
            icon=icon,
            disabled=is_off,
        )

    def move(to: int) -> Callable[[], WorkflowRules]:
        return lambda: rules.move(visit.who, name, one.step, rule.number, to, known_etag=etag)

    moved = t("The rule has moved.")
    if len(one.rules) > 1:
        button(":material/arrow_upward:", t("Up"), "up", move(rule.number - 1), moved, is_off=rule.number == 1)
        is_last = rule.number == len(one.rules)
        button(":material/arrow_downward:", t("Down"), "down", move(rule.number + 1), moved, is_off=is_last)
    button(
        ":material/delete:",
        t("Remove"),
        "remove",
        lambda: rules.remove(visit.who, name, one.step, rule.number, known_etag=etag),
        t("The rule is removed; the model is asked again."),
    )


def _new(visit: Visit, found: WorkflowRules, one: StepRules) -> None:
    """Ask for one condition and the answer; the text of the workflow may have more of both."""
    made = session.draft(f"rules-made.{one.step}", 0)  # fields begin anew after each rule
    left, right = st.columns(2, gap="small")
    with left:
        name = st.selectbox(
            t("If"), list(_CONDITIONS), format_func=lambda each: t(_CONDITIONS[each]), key=f"rule-if-{one.step}-{made}"
        )
    with right:
        text = st.text_input(t("Text"), key=f"rule-text-{one.step}-{made}", placeholder=_EXAMPLES.get(name, ""))
    answer = {field: _choice(field, choices, f"{one.step}-{made}") for field, choices in one.choices.items()}
    if None not in answer.values():
        _empty_fields(visit.orchestra.rules.left_empty(visit.who, found.workflow, one.step, answer))
    note = st.text_input(t("Note"), key=f"rule-note-{one.step}-{made}")
    rule = {name: text.strip(), "answer": answer, **({"note": note.strip()} if note.strip() else {})}

    def done(_rules: WorkflowRules) -> None:
        session.keep_draft(f"rules-made.{one.step}", made + 1)
        _told(t("The rule is added. It applies from the next run."))

    action_button(
        t("Add the rule"),
        f"rule-add-{one.step}",
        partial(_add, visit, found, one.step, rule),
        done,
        scope=f"{found.etag} {compact(rule)}",
        type="primary",
        icon=":material/add:",
        disabled=not text.strip() or None in answer.values(),
    )


def _empty_fields(said: str) -> None:
    """Say which fields an answer leaves empty that other steps use."""
    if said:
        st.caption(f":orange[:material/warning: {plain(translated(said))}]")


def _choice(field: str, choices: list[Any], place: str) -> Any:
    label = t("Then the answer is") if field in ("kind", "label") else t("Then {field} is", field=plain(field))
    return st.selectbox(label, choices, None, format_func=_text, key=f"rule-then-{field}-{place}")


def _add(visit: Visit, found: WorkflowRules, step: str, rule: Mapping[str, Any], _key: str) -> WorkflowRules:
    return visit.orchestra.rules.add(visit.who, found.workflow, step, dict(rule), known_etag=found.etag)


def _sentence(when: JsonObject, answer: JsonObject) -> str:
    return t(
        "A mail {condition}: always **{answer}**", condition=plain(rule_words(when)), answer=plain(_values(answer))
    )


def _values(answer: JsonObject) -> str:
    if len(answer) == 1:
        return _text(next(iter(answer.values())))
    return ", ".join(f"{name}: {_text(value)}" for name, value in answer.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else compact(value)


def _told(words: str) -> None:
    session.tell(words)
    st.rerun()
