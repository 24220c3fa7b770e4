"""The tab Environments of a workflow: which version runs where; promote it, roll it back, move its triggers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t, tc
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.environment.removing import removal_popover
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.header import section

if TYPE_CHECKING:
    from engine.runs.environments.promotion import Promotion
    from engine.runs.environments.reader import EnvironmentStatus
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
            section(t("Promote"))
            _promote(visit, file.name, [one.name for one in found])
            if (file.document or {}).get("triggers"):
                section(t("Triggers"))
                _triggers(visit, file.name, [one.name for one in found], triggers_in)


def _row(visit: Visit, workflow: str, one: EnvironmentStatus, version: object, *, has_triggers: bool) -> None:
    words = {None: t("not here"), "current": t("the file as it is")}.get(
        version, t("version {version}", version=version)
    )  # type: ignore[call-overload]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"in-{one.name}"):
        st.markdown(f"**{plain(one.name)}**", width="content")
        st.markdown(words, width="content")
        if has_triggers:
            st.badge(t("Triggers"), icon=":material/sensors:", color="gray")
        entry = one.workflows.get(workflow)
        if entry is not None and entry.earlier and visit.may("edit"):
            before = entry.earlier[-1].version
            label = (
                t("Back to the file as it is") if before == "current" else t("Back to version {before}", before=before)
            )
            action_button(
                label,
                f"env-rollback-{one.name}",
                lambda _: visit.orchestra.environments.roll_back(visit.who, workflow, one.name),
                lambda done: _told(t("{name} runs version {version} again.", name=one.name, version=done.version)),
                scope=str(entry.version),
                icon=":material/undo:",
            )
        if entry is not None and visit.may("edit"):
            removal_popover(visit, workflow, one.name)


@dataclass(frozen=True)
class _Source:
    """What is promoted: the version of an environment, or the one with a label."""

    environment: str
    version: str = ""

    @property
    def words(self) -> str:
        return t("version {version}", version=self.version) if self.version else self.environment


def _promote(visit: Visit, workflow: str, names: list[str]) -> None:
    if len(names) < 2:
        st.caption(t("It takes two environments."))
        return
    labels = visit.orchestra.versions.labels(visit.who, workflow)
    sources = {one.words: one for one in (*map(_Source, names), *(_Source("", label) for label in labels))}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        source = sources[st.selectbox(t("From"), list(sources), key=f"promote-from-{workflow}", width=260)]
        others = [one for one in names if one != source.environment]
        target = st.selectbox(tc("place", "To"), others, key=f"promote-to-{workflow}", width=200)
        is_asked = st.button(t("Check"), key=f"promote-check-{workflow}", icon=":material/fact_check:")
    slot = f"promotion.{workflow}"
    if is_asked:
        session.keep_draft(slot, (source.words, target))
    if session.draft(slot, None) != (source.words, target):
        return
    environments = visit.orchestra.environments
    found = environments.check_promotion(visit.who, workflow, source.environment, target, version=source.version)
    _shown(found)
    action_button(
        t("Promote to {target}", target=target),
        f"promote-{workflow}",
        lambda _: environments.promote(
            visit.who, workflow, source.environment, target, found.hash, version=source.version
        ),
        lambda done: _promoted(done, slot),
        scope=f"{source.words} {target} {found.hash}",
        type="primary",
        icon=":material/upload:",
        disabled=bool(found.problems),
    )


def _shown(found: Promotion) -> None:
    before = t("is not there yet") if found.before is None else t("is version {before} there", before=found.before)
    st.markdown(plain(t("It would be version {version}; now it {before}.", version=found.version, before=before)))
    said = found.differences or [t("Nothing that has an effect has changed")]
    lines = [f"- {plain(translated(one))}" for one in said]
    for title, more in (
        (N_("New account:"), found.accounts),
        (N_("New write:"), found.effects),
        (N_("New destination:"), found.destinations),
    ):
        lines += [f"- **{t(title)}** {plain(one)}" for one in more]
    if found.estimate:
        lines.append(t("- Expected cost of a run: {estimate}", estimate=plain(translated(found.estimate))))
    st.markdown("\n".join(lines))
    for note in found.notes:
        st.caption(plain_with_code(translated(note)))
    for problem in found.problems:
        st.error(plain_with_code(translated(f"{problem.message} {problem.remedy}")), icon=":material/error:")


def _triggers(visit: Visit, workflow: str, names: list[str], now: str) -> None:
    st.caption(t("They start runs of the version that runs in this environment, with its accounts."))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.selectbox(
            t("Environment of its triggers"), names, names.index(now), key=f"triggers-in-{workflow}", width=260
        )
        action_button(
            t("Move them"),
            f"move-triggers-{workflow}",
            lambda _: visit.orchestra.environments.move_triggers(visit.who, workflow, chosen),
            lambda _: _told(t("Its triggers start runs in {chosen}.", chosen=chosen)),
            scope=f"{now} {chosen}",
            disabled=chosen == now,
        )


def _promoted(done: Promotion, slot: str) -> None:
    session.drop_draft(slot)
    _told(
        t(
            "{target} runs version {version} of {workflow}.",
            target=done.target,
            version=done.version,
            workflow=done.workflow,
        )
    )


def _told(words: str) -> None:
    session.tell(words)
    st.rerun()
