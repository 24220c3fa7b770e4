"""The tab Environments of a workflow: which version runs where; promote it, roll it back, move its triggers."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.header import section
from engine.runs.environments.environments import EnvironmentStatus
from engine.runs.environments.promotion import Promotion
from engine.workflows.workflow_files import WorkflowFile


def environments_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show where a workflow runs, and offer to promote it."""
    with errors_shown():
        found = visit.orchestra.environments.list(visit.who)
        where = visit.orchestra.environments.where(visit.who, file.name)
        triggers_in = visit.orchestra.environments.of_triggers(visit.who, file.name)
        for one in found:
            _row(visit, file.name, one, where[one.name], has_triggers=one.name == triggers_in)
        if visit.may("edit"):
            section("Promote")
            _promote(visit, file.name, [one.name for one in found])
            if (file.document or {}).get("triggers"):
                section("Triggers")
                _triggers(visit, file.name, [one.name for one in found], triggers_in)


def _row(visit: Visit, workflow: str, one: EnvironmentStatus, version: object, *, has_triggers: bool) -> None:
    words = {None: "not here", "current": "the file as it is"}.get(version, f"version {version}")  # type: ignore[call-overload]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"in-{one.name}"):
        st.markdown(f"**{plain(one.name)}**", width="content")
        st.markdown(words, width="content")
        if has_triggers:
            st.badge("Triggers", icon=":material/sensors:", color="gray")
        entry = one.workflows.get(workflow)
        if entry is not None and entry.earlier and visit.may("edit"):
            before = entry.earlier[-1].version
            label = "Back to the file as it is" if before == "current" else f"Back to version {before}"
            action_button(
                label,
                f"env-rollback-{one.name}",
                lambda _: visit.orchestra.environments.roll_back(visit.who, workflow, one.name),
                lambda done: _told(f"{one.name} runs version {done.version} again."),
                scope=str(entry.version),
                icon=":material/undo:",
            )


def _promote(visit: Visit, workflow: str, names: list[str]) -> None:
    if len(names) < 2:
        st.caption("It takes two environments.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        source = st.selectbox("From", names, key=f"promote-from-{workflow}", width=200)
        target = st.selectbox("To", [one for one in names if one != source], key=f"promote-to-{workflow}", width=200)
        is_asked = st.button("Check", key=f"promote-check-{workflow}", icon=":material/fact_check:")
    slot = f"promotion.{workflow}"
    if is_asked:
        session.keep_draft(slot, (source, target))
    if session.draft(slot, None) != (source, target):
        return
    found = visit.orchestra.environments.check_promotion(visit.who, workflow, source, target)
    _shown(found)
    action_button(
        f"Promote to {target}",
        f"promote-{workflow}",
        lambda _: visit.orchestra.environments.promote(visit.who, workflow, source, target, found.hash),
        lambda done: _promoted(done, slot),
        scope=f"{source} {target} {found.hash}",
        type="primary",
        icon=":material/upload:",
        disabled=bool(found.problems),
    )


def _shown(found: Promotion) -> None:
    before = "is not there yet" if found.before is None else f"is version {found.before} there"
    st.markdown(plain(f"It would be version {found.version}; now it {before}."))
    said = found.differences or ["Nothing that has an effect has changed"]
    lines = [f"- {plain(one)}" for one in said]
    for title, more in (("account", found.accounts), ("write", found.effects), ("destination", found.destinations)):
        lines += [f"- **New {title}:** {plain(one)}" for one in more]
    if found.estimate:
        lines.append(f"- Expected cost of a run: {plain(found.estimate)}")
    st.markdown("\n".join(lines))
    for note in found.notes:
        st.caption(plain_with_code(note))
    for problem in found.problems:
        st.error(plain_with_code(f"{problem.message} {problem.remedy}"), icon=":material/error:")


def _triggers(visit: Visit, workflow: str, names: list[str], now: str) -> None:
    st.caption("They start runs of the version that runs in this environment, with its accounts.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.selectbox(
            "Environment of its triggers", names, names.index(now), key=f"triggers-in-{workflow}", width=260
        )
        action_button(
            "Move them",
            f"move-triggers-{workflow}",
            lambda _: visit.orchestra.environments.move_triggers(visit.who, workflow, chosen),
            lambda _: _told(f"Its triggers start runs in {chosen}."),
            scope=f"{now} {chosen}",
            disabled=chosen == now,
        )


def _promoted(done: Promotion, slot: str) -> None:
    session.drop_draft(slot)
    _told(f"{done.target} runs version {done.version} of {done.workflow}.")


def _told(words: str) -> None:
    session.tell(words)
    st.rerun()
