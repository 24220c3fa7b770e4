"""Correct what a model answered: choose the right value, see what follows, press once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import link_markdown, outside_badge, plain, plain_with_code
from dashboard.base.remedies import with_pages
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box
from dashboard.parts.times import ago
from engine.base.errors import ConfirmationNeeded, OrchestraError, UnknownName
from engine.base.json_text import JsonObject
from engine.base.statuses import ACTIVE_RUNS
from engine.base.step_path import items_around
from engine.expressions.json_values import compact_json
from engine.record.types.kind import options_of
from engine.record.types.run import Run, RunKind
from engine.record.types.step import CorrectedRecord, StepRecord
from engine.runs.correcting.choices import Choice, choices_in
from engine.runs.correcting.lesson import SavedCase
from engine.runs.correcting.nothing_done_again import NothingDoneAgain

if TYPE_CHECKING:
    from engine.runs.correcting.corrections import CorrectionPreview
    from engine.runs.undo.undo_report import NotUndone, Undone

_VERDICTS = {
    "runs": N_("is done"),
    "may run": N_("may be done"),
    "does not run": N_("is not done"),
    "kept": N_("stays as it is: it does not depend on the answer"),
}


@dataclass(frozen=True)
class _Asked:
    """What the last attempt lacked."""

    message: str
    names: tuple[str, ...] = ()
    """The accounts that somebody must agree to."""
    leave: bool = False
    """Whether a write could not be undone, and may be left as it is."""


def correction_of(visit: Visit, run: Run, step: StepRecord) -> None:
    """Tell that an answer was corrected, with a link to the other run; in that run, offer to take it back."""
    known, corrects = step.get("corrected"), options_of(run).get("corrects")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if known is not None:
            words = t(
                "Corrected by {by} {at}: {told}", by=known["by"], at=ago(known["at"]), told=_told(known["values"])
            )
            outside_badge(words, ":material/rule:", color="orange")
            newest = newest_correction(visit, step["path"], known)
            label = t("The run that goes on from there") if newest == known else again_words(newest)
            visit.link(label, "run", icon=":material/arrow_forward:", id=newest["run_id"])
        if corrects is not None and corrects["step"] == step["path"]:
            outside_badge(
                t("Corrected by {by}: {told}", by=corrects["by"], told=_told(corrects["values"])), ":material/rule:"
            )
            _take_back(visit, run, step)


def newest_correction(visit: Visit, path: str, known: CorrectedRecord) -> CorrectedRecord:
    """Return the last correction of an answer: the run that corrects it may have been corrected, too."""
    run = _kept(visit, known["run_id"])
    step = None if run is None else _step_at(run, path)
    if step is None or "corrected" not in step:
        return known
    return newest_correction(visit, path, step["corrected"])


def row_of(path: str) -> str:
    """Return the row of a run's board in which a step is."""
    return next(iter(items_around(path)), path)


def again_words(newest: CorrectedRecord) -> str:
    """Return the label of the link to the last of several corrections."""
    return t("Corrected again: see run {run_id}", run_id=newest["run_id"])


def _take_back(visit: Visit, run: Run, step: StepRecord) -> None:
    """Offer to choose again what the model had answered; the preview opens with it."""
    said = _said_by_model(visit, run, step["path"])
    fields = [one for one in choices_in(run, step) if one.field in said and one.value != said[one.field]]
    if not fields or not _is_open(visit, run, step):
        return
    place = _place(run, step)

    def choose() -> None:
        for one in fields:
            session.set_widget(f"right-{one.field}-{place}", said[one.field])

    st.button(t("Take the correction back"), key=f"take-back-{place}", icon=":material/undo:", on_click=choose)


def _said_by_model(visit: Visit, run: Run, path: str) -> JsonObject:
    """Return the choices that the model made, before all corrections of its answer; {} if that run was deleted."""
    corrects = options_of(run).get("corrects")
    if corrects is not None and corrects["step"] == path:
        earlier = _kept(visit, corrects["run"])
        return {} if earlier is None else _said_by_model(visit, earlier, path)
    step = _step_at(run, path)
    return {} if step is None else {one.field: one.value for one in choices_in(run, step)}


def _kept(visit: Visit, run_id: str) -> Run | None:
    try:
        return visit.orchestra.runs.get(visit.who, run_id)
    except UnknownName:
        return None


def _step_at(run: Run, path: str) -> StepRecord | None:
    return next((one for one in run["steps"] if one["path"] == path), None)


def _place(run: Run, step: StepRecord) -> str:
    return f"{run['run_id']}-{step['path']}"


def _is_open(visit: Visit, run: Run, step: StepRecord) -> bool:
    """Return whether the person may correct the answer of a step here."""
    kind = run["kind"]
    is_test = kind.is_test or kind is RunKind.PLAN
    return run["status"] not in ACTIVE_RUNS and not is_test and "corrected" not in step and visit.may("run")


def correct_step(visit: Visit, run: Run, step: StepRecord) -> None:
    """Offer the other choices of an answer of a model in an ended run; after a choice, show what will happen."""
    fields, place = choices_in(run, step), _place(run, step)
    if not fields or not _is_open(visit, run, step):
        return
    values = _chosen(fields, place)
    if not values:
        return
    with st.container(border=True, key="panel-correct"):
        try:
            seen = visit.orchestra.corrections.preview(visit.who, run["run_id"], step["path"], values)
        except OrchestraError as error:
            error_box(error)
            return
        _preview(seen)
        _next_time(visit, run, seen.case, is_by_rule="by_rule" in step)
        _button(visit, seen, place)


def _chosen(fields: Sequence[Choice], place: str) -> JsonObject:
    """Show the choices other than the present ones; return the right values."""
    values: dict[str, Any] = {}
    for one in fields:
        others = [choice for choice in one.choices if choice != one.value]
        label = (
            t("Wrong? It is a …") if len(fields) == 1 else t("Wrong? The right {title} is …", title=plain(one.title))
        )
        found = st.pills(label, others, format_func=lambda value: plain(_text(value)), key=f"right-{one.field}-{place}")
        if found is not None:
            values[one.field] = found
    return values


def _preview(seen: CorrectionPreview) -> None:
    st.markdown(t("**Correct the answer: {told}**", told=plain(_told(seen.values))))
    lines = [f"- :material/undo: {_name(one)}: {plain(translated(one.note))}" for one in seen.undo.undone]
    _part(t("This is undone"), lines, t("Nothing is undone: the wrong answer led to no write."))
    stays = [*seen.undo.cannot, *seen.undo.left, *seen.stays]
    if stays:
        told = [f"- {_name(one)}: {plain_with_code(with_pages(translated(one.reason)))}" for one in stays]
        st.warning("\n".join([t("**This stays**"), "", *told]), icon=":material/block:")
    again = [f"- **{plain(one.title)}** {t(_VERDICTS[one.verdict])}" for one in seen.again]
    _part(t("Then, in a new run that goes on from the right answer"), again, t("No step depends on this answer."))
    st.caption(plain_with_code(_case(seen)))


def _next_time(visit: Visit, run: Run, case: SavedCase, *, is_by_rule: bool) -> None:
    """Say what a later run does with the same mail, and what to do about other mail of that sender."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if is_by_rule:
            told = t("In later runs, the rule answers the same way again. Change the rule, or remove it.")
        elif case.why_not:
            told = t("A later run that reads the same mail asks the model again. To fix the answer, add a rule.")
        else:
            told = t("A later run that reads the same mail gets this answer. A rule covers all mail from a sender.")
        st.caption(told, width="content")
        visit.link(t("Rules"), "workflow", icon=":material/arrow_forward:", name=run["workflow"], tab="rules")


def _part(title: str, lines: Sequence[str], empty: str) -> None:
    st.markdown("\n".join([f"{title}:", "", *lines]) if lines else empty)


def _button(visit: Visit, seen: CorrectionPreview, place: str) -> None:
    asked: _Asked | None = session.draft(_draft(seen), None)
    leave, who = False, visit.who
    if asked is not None:
        st.warning(plain(translated(asked.message)), icon=":material/warning:")
        label = t("I agree that it may be used") if asked.names else t("Leave what could not be undone")
        is_ready = st.checkbox(label, key=f"correct-tick-{place}")
        leave, who = is_ready and asked.leave, visit.who.agreeing(asked.names if is_ready else ())

    def act(_key: str) -> str:
        try:
            made = visit.orchestra.corrections.correct(who, seen.run_id, seen.step, seen.values, leave=leave)
        except ConfirmationNeeded as needed:
            session.keep_draft(_draft(seen), _Asked(needed.message, tuple(needed.needs_confirmation)))
            return ""
        except NothingDoneAgain as error:
            session.keep_draft(_draft(seen), _Asked(error.message, leave=True))
            return ""
        _tell(made.undo.undone, [*made.undo.refused, *made.undo.cannot], made.case.why_not)
        return made.run_id

    count = len(seen.undo.undone)
    label = (
        t("Undo {writes} and do it again", writes=tn("{count} write", "{count} writes", count))
        if count
        else t("Do it again")
    )
    with st.spinner(t("Correcting …")):
        action_button(
            label,
            f"correct-{place}",
            act,
            partial(_gone, visit, seen),
            scope=f"{compact_json(seen.values)} {asked} {leave} {who.confirmed}",
            type="primary",
            icon=":material/rule:",
        )


def _gone(visit: Visit, seen: CorrectionPreview, run_id: str) -> None:
    if run_id:
        session.drop_draft(_draft(seen))
        visit.go("run", id=run_id, open=row_of(seen.step), step=seen.step)
    st.rerun()


def _tell(undone: Sequence[Undone], kept: Sequence[NotUndone], why_not: str) -> None:
    """Say on the next page what was undone, and what was not."""
    session.tell(
        t(
            "{writes} undone. This run goes on from the right answer.",
            writes=tn("{count} write", "{count} writes", len(undone)),
        ),
        ":material/rule:",
    )
    for one in kept:
        session.tell(
            t(
                "Not undone: {title}: {reason}",
                title=plain(one.title or one.path),
                reason=plain(translated(one.reason)),
            ),
            ":material/block:",
        )
    if why_not:
        session.tell(t("No case was saved: {why_not}", why_not=plain(why_not)), ":material/info:")


def _case(seen: CorrectionPreview) -> str:
    if seen.case.why_not:
        return t("No case is saved: {why_not}", why_not=seen.case.why_not)
    if seen.case.case:
        return t(
            "The case {case} of the prompt {prompt} expects this from now on.",
            case=seen.case.case,
            prompt=seen.case.prompt,
        )
    return t("A case of the prompt {prompt} expects this from now on.", prompt=seen.case.prompt)


def _told(values: JsonObject) -> str:
    return ", ".join(f"{name} is {_text(value)}" for name, value in values.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else compact_json(value)


def _name(line: Undone | NotUndone) -> str:
    title = line.title or line.path
    return link_markdown(title, line.url) if line.url else f"**{plain(title)}**"


def _draft(seen: CorrectionPreview) -> str:
    return f"correct.{seen.run_id}.{seen.step}"
