"""A new workflow: what should happen, in three answers; or a sentence, a sample, or an empty one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from clients.errors import ServiceError
from dashboard.base import fields, session
from dashboard.base.language import N_, t
from dashboard.base.messages import translated
from dashboard.base.page import Page, PageAction, Visit
from dashboard.base.plain import plain
from dashboard.creating.begun import BegunForm
from dashboard.creating.examples import EXAMPLES, blank
from dashboard.creating.form import FormAnswers, ask
from dashboard.creating.opening import JUST_MADE, empty_workflow, imported_workflow, open_new
from dashboard.creating.words import description, sentence, title
from dashboard.parts.accounts import uses_demo_only
from dashboard.parts.buttons import action_button
from dashboard.parts.file_dialogs import WORKFLOW, free_name, name_field, names
from dashboard.parts.header import page_header
from dashboard.workflow.canvas import ask_copilot
from engine.base.errors import OrchestraError
from engine.base.names import usable_name
from engine.base.statuses import RunStatus
from engine.copilot.wizard.records import Choices, Offers
from engine.workflows.workflow_files import CreatedWorkflow, WorkflowFile

PAGE = Page(
    title=N_("New workflow"),
    icon=":material/add:",
    path="new-workflow",
    order=22,
    section=N_("Workflows"),
    in_menu=False,
    right="edit",
    actions=(PageAction(N_("New workflow"), {}, "edit", N_("create add make")),),
)
_LONGEST_PLAN_SECONDS = 20
"""A longer plan is shown on the canvas as it goes on."""
_BEGUN = "new-workflow"
"""The draft that says which form it is, what it begins with, and which conditions must be filled in."""


def show(visit: Visit) -> None:
    """Ask what should happen, and create the workflow."""
    page_header(
        visit,
        t("What should happen?"),
        t("Answer three questions. Nothing is written until you run it or turn it on."),
        trail=[(N_("Workflows"), "workflows")],
    )
    number, given, needs = session.draft(_BEGUN, (0, None, ()))
    _by_sentence(visit)
    _examples(number)
    offers = visit.orchestra.copilot.wizard.offers(visit.who)
    answers = ask(BegunForm(visit, offers, given or blank(), f"new{number}", needs))
    _result(visit, offers, answers, number)
    _other_ways(visit)


def _by_sentence(visit: Visit) -> None:
    """Offer to say it in a sentence where a model of the person's own is connected."""
    setup = visit.orchestra.copilot.talking.setup(visit.who)
    if not setup.is_available or setup.is_demo:
        return
    said = fields.text_area(
        t("Say it in a sentence"),
        key="new-sentence",
        placeholder=t("For example: each morning, the mails of my boss become tasks"),
        height=80,
    ).strip()

    def make(_request_key: str) -> WorkflowFile:
        name = free_name(usable_name(said)[:40].strip("-_") or "my-workflow", names(visit, WORKFLOW))
        return visit.orchestra.workflows.create(visit.who, name, said[:80])

    def ask(made: WorkflowFile) -> None:
        ask_copilot(made.name, said)
        open_new(visit, made, tab="canvas")

    action_button(
        t("Ask the model"), "new-ask", make, ask, scope=said, icon=":material/auto_awesome:", disabled=not said
    )
    st.caption(t("Or answer the questions, without a model:"))


def _examples(number: int) -> None:
    """Offer answers to begin with."""
    with st.container(horizontal=True, gap="small", key="new-examples"):
        for place, (label, one) in enumerate(EXAMPLES.items()):
            given = (number, one.make(), one.needs)
            st.button(t(label), key=f"new-example-{place}", on_click=_begin, args=given, icon=":material/bolt:")


def _begin(number: int, choices: Choices | None = None, needs: Sequence[str] = ()) -> None:
    """Begin the form anew."""
    session.keep_draft(_BEGUN, (number + 1, choices, needs))


def _result(visit: Visit, offers: Offers, answers: FormAnswers, number: int) -> None:
    """Say what the workflow will do, and offer to create it."""
    taken = {one.title for one in visit.orchestra.workflows.list(visit.who)}
    said, made_title = sentence(answers.choices, offers), title(answers.choices, offers, taken)
    with st.container(border=True, key="new-result"):
        st.markdown(f"**{t('What it will do')}**")
        st.markdown(plain(said))
        begun = _begun(f"new{number}-title", made_title)
        named = st.text_input(t("Title"), begun, key=f"new{number}-title-{begun}").strip()
        with st.expander(t("File name")):
            free = free_name(usable_name(named)[:40].strip("-_") or "my-workflow", names(visit, WORKFLOW))
            begun = _begun(f"new{number}-name", free)
            name = name_field(t("File name"), begun, f"new{number}-name-{begun}")
        if answers.missing:
            st.caption(plain(t("Still missing: {names}", names=", ".join(dict.fromkeys(answers.missing)))))
        head = {"title": named or made_title, "description": description(answers.choices, offers)}
        choices = answers.choices.model_copy(update=head)

        def opened(made: CreatedWorkflow) -> None:
            _begin(number)
            plan_id = _try_on_demo(visit, made)
            open_new(visit, made, tab="canvas", **({"run": plan_id} if plan_id else {}), **{JUST_MADE: "1"})

        action_button(
            t("Create"),
            "new-make",
            lambda _key: visit.orchestra.copilot.wizard.create(visit.who, name.strip(), choices, t),
            opened,
            scope=f"{name} {choices.model_dump_json()}",
            type="primary",
            disabled=bool(answers.missing),
        )


def _begun(slot: str, suggested: str) -> str:
    """Return what a field begins with: what is suggested now, or was when the person began to type something else."""
    before = session.draft(slot, suggested)
    if session.widget_value(f"{slot}-{before}", before).strip() not in ("", before):
        return before
    session.keep_draft(slot, suggested)
    return suggested


def _try_on_demo(visit: Visit, made: CreatedWorkflow) -> str:
    """Plan a run on the demo, and say what it would do; return the plan's id. Without one, say why, and return ""."""
    if not visit.may("run"):
        return ""
    if (made.document or {}).get("inputs", {}).get("required"):
        session.tell(t("Not tried on samples: it needs what its trigger brings."), icon=":material/visibility_off:")
        return ""
    try:
        if not uses_demo_only(visit, visit.orchestra.workflows.plan(visit.who, made.name)):
            session.tell(t("Not tried on samples: it uses accounts of your own."), icon=":material/visibility_off:")
            return ""
        with st.spinner(t("Looking at the samples of the demo …")):
            plan_id = visit.orchestra.plans.make(visit.who, made.name, {})
            run = visit.orchestra.runs.wait(visit.who, plan_id, _LONGEST_PLAN_SECONDS)
    except (OrchestraError, ServiceError) as error:
        _tell_failure(str(error))
        return ""
    if run["status"] == RunStatus.SUCCEEDED:
        would = run["sentence"].removeprefix("Plan: ").removesuffix(".")
        said = t("Looked at the samples of the demo. It would make: {writes}.", writes=translated(would))
        session.tell(said, icon=":material/visibility:")
    elif run["error"]:
        causes = (one["error"] for one in run["steps"] if one["error"] and one["uses"] and not one.get("handled"))
        _tell_failure(str(next(causes, run["error"])["message"]))
    return plan_id


def _tell_failure(why: str) -> None:
    said = t("Looked at the samples of the demo, but not at all of them: {why}", why=translated(why))
    session.tell(said, icon=":material/error:")


def _other_ways(visit: Visit) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        visit.link(t("Start from a sample"), "gallery", icon=":material/grid_view:")
        if st.button(t("Start empty"), key="new-empty", type="tertiary", icon=":material/draft:"):
            empty_workflow(visit)
        if st.button(t("From a file"), key="new-from-file", type="tertiary", icon=":material/upload_file:"):
            imported_workflow(visit)
