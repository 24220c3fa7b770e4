"""Going on with a run after its workflow was corrected: what has finished must be the same in the new file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown
from dashboard.parts.plain import outside_code, plain
from dashboard.parts.values import cut, json_text
from engine.errors import InvalidInput

RESUMABLE = frozenset({"failed", "cancelled", "interrupted"})
_SHOWN = 10


def go_on_newest(visit: Visit, run: Mapping[str, Any]) -> None:
    """Offer to go on with the workflow as its file is now, where the run can be gone on with."""
    if run["status"] not in RESUMABLE:
        return
    run_id = str(run["run_id"])
    st.markdown("**Go on with the workflow as its file is now**")
    st.caption("What has finished stays. That works where those steps and their prompts have not been changed.")

    def resume(_request_key: str) -> InvalidInput | None:
        try:
            visit.orchestra.runs.resume(visit.who, run_id, newest=True)
        except InvalidInput as error:  # told with its differences
            return error
        return None

    scope = f"{run_id} {len(run.get('resumed', []))}"
    action_button("Go on with the new file", "resume-newest", resume, _gone_on, scope=scope, icon=":material/update:")
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
        st.caption(f"… and {len(differences) - _SHOWN} more")


def _told(value: Any) -> str:
    return cut(value if isinstance(value, str) else json_text(value), 600)
