"""Resume a run whose workflow has changed since: with the new file, if what has finished is the same in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown
from dashboard.parts.values import cut, json_text
from dashboard.run.change.agree import resume
from engine.base.errors import OrchestraError
from engine.base.statuses import RESUMABLE_RUNS
from engine.record.types.run import Run
from engine.record.types.step import undo_of
from engine.runs.starting.upgrade_definition import WHOLE_FILE

if TYPE_CHECKING:
    from engine.runs.starting.upgrade_definition import NewerDefinition

_SHOWN = 10


def can_resume(run: Run) -> bool:
    """Return whether the run can go on: not what was undone, or goes on in another run with a right answer."""
    return run["status"] in RESUMABLE_RUNS and not any(undo_of(one) or "corrected" in one for one in run["steps"])


def tell_of_changes(visit: Visit, run: Run, label: str) -> None:
    """Say what has changed in the workflow since, and with which file the button `label` goes on."""
    newer = visit.orchestra.runs.newer(visit.who, str(run["run_id"]))
    if newer is None:
        return
    st.caption(plain(_said(newer, label)))
    if newer.refused is None and newer.kept_defaults:
        st.caption(
            plain(
                tn(
                    "The run keeps its inputs, including this one, whose default has changed: {names}. "
                    "To change it, start a new run on the page of the workflow.",
                    "The run keeps its inputs, including these, whose defaults have changed: {names}. "
                    "To change them, start a new run on the page of the workflow.",
                    len(newer.kept_defaults),
                    names=", ".join(newer.kept_defaults),
                )
            )
        )


def _said(newer: NewerDefinition, label: str) -> str:
    if newer.refused is not None:
        return t(
            "The workflow has changed since. What had finished is different in it, or it has problems: {label} goes on "
            "with the workflow as it was.",
            label=label,
        )
    if newer.changed == [WHOLE_FILE]:
        return t(
            "The workflow has changed since: {label} goes on with the new file. What has finished stays.", label=label
        )
    if newer.changed:
        named = [
            *newer.changed[:_SHOWN],
            *([f"+ {len(newer.changed) - _SHOWN}"] if len(newer.changed) > _SHOWN else []),
        ]
        return t(
            "The workflow has changed since, in {steps}: {label} goes on with the new file. What has finished stays.",
            steps=", ".join(named),
            label=label,
        )
    return t(
        "What the workflow uses has changed since, such as a prompt: {label} goes on with it as it is now.", label=label
    )


def go_on_as_it_was(visit: Visit, run: Run) -> None:
    """Offer to resume the run with the definition that it was accepted with; where it must be that, say why."""
    run_id = str(run["run_id"])
    newer = visit.orchestra.runs.newer(visit.who, run_id) if can_resume(run) else None
    if newer is None:
        return
    if newer.refused is not None:
        st.markdown(t("**Why it cannot go on with the new file**"))
        _refused(newer.refused)
    else:
        st.markdown(t("**Go on with the workflow as it was**"))
        action_button(
            t("Go on without the changes"),
            "resume-as-accepted",
            resume(visit, run, newest=False),
            lambda _gone_on: st.rerun(),
            scope=f"{run_id} {len(run.get('resumed', []))}",
            icon=":material/history:",
        )
    st.divider()


def _refused(refused: OrchestraError) -> None:
    st.error(message_markdown(refused.message, refused.remedy), icon=":material/error:")
    differences: Sequence[Mapping[str, Any]] = refused.details.get("differences", [])
    for one in differences[:_SHOWN]:
        st.markdown(f"**{plain(str(one['step']))}** · {plain(str(one['field']))}")
        outside_code(f"- {_told(one.get('old'))}\n+ {_told(one.get('new'))}", "diff")
    if len(differences) > _SHOWN:
        st.caption(t("… and {count} more", count=len(differences) - _SHOWN))


def _told(value: Any) -> str:
    return cut(value if isinstance(value, str) else json_text(value), 600)
