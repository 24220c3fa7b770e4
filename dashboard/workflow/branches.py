"""The tab Branches of a workflow: make branches, open and compare them, merge one with its conflicts decided."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.file_dialogs import name_field, unsaved_warning
from dashboard.parts.header import section
from dashboard.parts.popover import close, popover
from dashboard.parts.times import ago
from dashboard.workflow.editor import forget
from engine.base.errors import InvalidInput
from engine.base.names import branch_parts
from engine.compiler.definition.environment import CURRENT
from engine.documents.json_file import typed_value
from engine.runs.branches.merging import CONFLICT, Merging
from engine.runs.branches.reader import BranchStatus
from engine.workflows.merging.conflicts import SIDES, Choice, MergeConflict, Value

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile

_HEIGHT = 120


def branch_badge(visit: Visit, name: str) -> None:
    """Show that a page is about a branch, with a link to its workflow."""
    workflow, branch = branch_parts(name)
    st.badge(t("Branch {branch}", branch=plain(branch)), icon=":material/call_split:", color="violet")
    visit.link(workflow, "workflow", icon=":material/account_tree:", name=workflow)


def branches_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the branches of a workflow; on the page of a branch, that one."""
    workflow, own = branch_parts(file.name)
    with errors_shown():
        found = [one for one in visit.orchestra.branches.list(visit.who, workflow) if own in ("", one.branch)]
        if not found:
            st.info(
                t("A branch is a copy in which you can try a larger change, while this workflow goes on as it is."),
                icon=":material/call_split:",
            )
        for one in found:
            _branch(visit, one, is_open=bool(own))
        if visit.may("edit") and not own:
            section(t("New branch"))
            _new(visit, workflow)


def _new(visit: Visit, workflow: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = name_field(t("Name"), "", f"branch-name-{workflow}").strip()
        version = _version(visit, workflow)
        action_button(
            t("New branch"),
            f"branch-new-{workflow}",
            lambda _: visit.orchestra.branches.create(visit.who, workflow, name, version),
            lambda made: _told(t("The branch {branch} is made.", branch=made.branch)),
            scope=f"{name} {version}",
            icon=":material/add:",
        )


def _version(visit: Visit, workflow: str) -> str:
    """Ask from which version to branch, if one has a label."""
    labels = visit.orchestra.versions.labels(visit.who, workflow)
    if not labels:
        return CURRENT
    return st.selectbox(
        t("From"),
        [CURRENT, *labels],
        format_func=lambda one: t("the file as it is") if one == CURRENT else one,
        key=f"branch-from-{workflow}",
        width=260,
    )


def _branch(visit: Visit, one: BranchStatus, *, is_open: bool) -> None:
    with st.container(border=True, key=f"branch-{one.branch}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.subheader(plain(one.branch), anchor=False, width="content")
            st.caption(plain(_summary(one)), width="content")
        if one.error:
            st.error(plain_with_code(translated(one.error)), icon=":material/error:")
        if one.unsaved_by:
            st.caption(plain(t("Unsaved changes: {people}", people=", ".join(one.unsaved_by))))
        slot = f"compared.{one.name}"
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if not is_open:
                visit.link(t("Open on canvas"), "workflow", icon=":material/account_tree:", name=one.name, tab="canvas")
            if (
                not one.error
                and not is_open
                and st.button(t("Compare and merge"), key=f"compare-{one.branch}", icon=":material/compare_arrows:")
            ):
                session.keep_draft(slot, not session.draft(slot, default=False))
            if visit.may("edit"):
                _delete(visit, one)
        if not one.error and (is_open or session.draft(slot, default=False)):
            _merge(visit, one)


def _delete(visit: Visit, one: BranchStatus) -> None:
    """Offer to delete a branch, and first say what is lost."""
    place = f"delete-branch-{one.name}"
    with popover(t("Delete"), place, ":material/delete:"):
        st.markdown(plain(t("The saved text of the branch {branch} moves to the trash.", branch=one.branch)))
        unsaved_warning(one.unsaved_by)
        action_button(
            t("Delete the branch"),
            f"branch-delete-{one.branch}",
            lambda _: visit.orchestra.branches.delete(visit.who, one.workflow, one.branch),
            lambda _: _deleted(visit, one, place),
            type="primary",
            icon=":material/delete:",
        )


def _deleted(visit: Visit, one: BranchStatus, place: str) -> None:
    close(place)
    _left(visit, one, t("The branch {branch} is in the trash.", branch=one.branch))


def _summary(one: BranchStatus) -> str:
    return t(
        "{ahead} here, {behind} in {workflow} since it was made; saved {saved_at}",
        ahead=tn("{count} change", "{count} changes", len(one.ahead)),
        behind=tn("{count} change", "{count} changes", len(one.behind)),
        workflow=one.workflow,
        saved_at=ago(one.changed_at),
    )


def _merge(visit: Visit, one: BranchStatus) -> None:
    found = visit.orchestra.branches.check(visit.who, one.workflow, one.branch)
    if one.behind:
        with st.expander(t("Changed in {workflow} since the branch was made", workflow=one.workflow)):
            st.markdown("\n".join(f"- {plain(line)}" for line in one.behind))
    choices = _choices(found)
    if choices:
        found = visit.orchestra.branches.check(visit.who, one.workflow, one.branch, choices)
    _shown(found)
    if not visit.may("edit"):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        keep = st.checkbox(t("Keep the branch after it"), key=f"merge-keep-{one.branch}")
        action_button(
            t("Merge into {workflow}", workflow=one.workflow),
            f"merge-{one.branch}",
            lambda _: visit.orchestra.branches.merge(
                visit.who,
                one.workflow,
                one.branch,
                choices,
                known_etag=found.etag,
                branch_etag=found.branch_etag,
                keep=keep,
            ),
            lambda done: _merged(visit, one, done),
            scope=f"{found.etag} {found.branch_etag} {keep} {choices}",
            type="primary",
            icon=":material/merge:",
            disabled=bool(found.problems),
        )


def _choices(found: Merging) -> dict[str, Choice]:
    """Show the conflicts, and return the decisions about them."""
    if found.conflicts:
        st.warning(
            tn(
                "Both have changed {count} place differently. Decide what to take.",
                "Both have changed {count} places differently. Decide what to take.",
                len(found.conflicts),
            ),
            icon=":material/call_merge:",
        )
    chosen: dict[str, Choice] = {}
    for conflict in found.conflicts:
        choice = _choice(found, conflict)
        if choice is not None:
            chosen[conflict.place] = choice
    return chosen


def _choice(found: Merging, conflict: MergeConflict) -> Choice | None:
    key = f"conflict-{found.name}-{conflict.place}"
    words = {
        "main": t("In {workflow}: {change}", workflow=found.workflow, change=conflict.in_main),
        "branch": t("In the branch: {change}", change=conflict.in_branch),
        "value": t("Another value"),
    }
    options = [*SIDES, *(["value"] if conflict.is_field else [])]
    taken = st.radio(
        plain(conflict.place),
        options,
        index=None,
        format_func=lambda one: plain(words[one]),
        key=key,
    )
    if taken in SIDES:
        return taken
    if taken is None:
        return None
    text = fields.text_area(
        t("Value for {place} (JSON)", place=conflict.place),
        json.dumps(conflict.branch, ensure_ascii=False, indent=2),
        key=f"{key}-value",
        height=_HEIGHT,
    )
    try:
        return Value(typed_value(text, "The value"))
    except InvalidInput as error:
        st.caption(plain(translated(error.message)))
        return None


def _shown(found: Merging) -> None:
    st.markdown(plain(t("What merging changes in {workflow}:", workflow=found.workflow)))
    lines = [f"- {plain(one)}" for one in found.differences or [t("Nothing that has an effect has changed")]]
    for title, more in (
        (t("New account:"), found.accounts),
        (t("New write:"), found.effects),
        (t("New destination:"), found.destinations),
    ):
        lines += [f"- **{title}** {plain(one)}" for one in more]
    if found.estimate:
        lines.append(t("- Expected cost of a run: {estimate}", estimate=plain(translated(found.estimate))))
    st.markdown("\n".join(lines))
    for note in found.notes:
        st.caption(plain_with_code(translated(note)))
    for problem in found.problems:
        if problem.code != CONFLICT:  # shown with its choice
            st.error(plain_with_code(translated(f"{problem.message} {problem.remedy}")), icon=":material/error:")


def _merged(visit: Visit, one: BranchStatus, done: Merging) -> None:
    forget(one.workflow)
    if done.branch_is != "kept":
        forget(one.name)
    words = t("{branch} is merged into {workflow}.", branch=one.branch, workflow=one.workflow)
    _left(visit, one, f"{words} {_fate(done)}", is_gone=done.branch_is == "in_trash")


def _fate(done: Merging) -> str:
    if done.branch_is == "in_trash":
        return t("The branch is in the trash.")
    if done.branch_is == "goes_on":
        return t("The branch goes on from the merged text.")
    if done.unsaved_by:
        return t("The branch is kept for the unsaved changes of {people}.", people=", ".join(done.unsaved_by))
    return t("The branch is kept, because it has changed since.")


def _left(visit: Visit, one: BranchStatus, words: str, *, is_gone: bool = True) -> None:
    """Say what was done; the page of a branch that is gone leads to its workflow."""
    session.drop_draft(f"compared.{one.name}")
    session.tell(words)
    if is_gone and st.query_params.get("name") == one.name:
        visit.go("workflow", name=one.workflow, tab="branches")
    st.rerun()


def _told(words: str) -> None:
    session.tell(words)
    st.rerun()
