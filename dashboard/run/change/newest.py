"""Resume a run after its workflow was corrected: finished steps must be unchanged in the new file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown
from dashboard.parts.values import cut, json_text
from dashboard.run.change.agree import resume
from engine.base.errors import InvalidInput
from engine.base.statuses import RESUMABLE_RUNS
from engine.record.types.run import Run

_SHOWN = 10


def go_on_newest(visit: Visit, run: Run) -> None:
    """Offer to resume the run with the current file of the workflow, if the run can be resumed."""
    if run["status"] not in RESUMABLE_RUNS:
        return
    run_id = str(run["run_id"])
    st.markdown(t("**Continue with the current workflow file**"))
    st.caption(t("What has finished stays. This works if those steps and their prompts are unchanged."))
    kept = visit.orchestra.runs.kept_defaults(visit.who, run_id)
    if kept:
        st.caption(
            plain(
                tn(
                    "The run keeps its inputs, including this one, whose default has changed: {names}. "
                    "To change it, start a new run on the page of the workflow.",
                    "The run keeps its inputs, including these, whose defaults have changed: {names}. "
                    "To change them, start a new run on the page of the workflow.",
                    len(kept),
                    names=", ".join(kept),
                )
            )
        )

    def go_on(request_key: str) -> InvalidInput | None:
        try:
            resume(visit, run, newest=True)(request_key)
        except InvalidInput as error:  # reported together with its differences
            return error
        return None

    scope = f"{run_id} {len(run.get('resumed', []))}"
    action_button(
        t("Continue with the new file"), "resume-newest", go_on, _gone_on, scope=scope, icon=":material/update:"
    )
    st.divider()


def _gone_on(refused: InvalidInput | None) -> None:
    if refused is None:
        st.rerun()
        return
    st.error(message_markdown(refused.message, refused.remedy), icon=":material/error:")
    differences: Sequence[Mapping[str, Any]] = refused.details.get("differences", [])
    for one in differences[:_SHOWN]:
        st.markdown(f"**{plain(str(one['step']))}** · {plain(str(one['field']))}")
        outside_code(f"- {_told(one.get('old'))}\n+ {_told(one.get('new'))}", "diff")
    if len(differences) > _SHOWN:
        st.caption(t("… and {count} more", count=len(differences) - _SHOWN))


def _told(value: Any) -> str:
    return cut(value if isinstance(value, str) else json_text(value), 600)
