"""The note for a run that wrote nothing because earlier runs did, with the possible remedies."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t, tn
from dashboard.base.page import Visit
from engine.base.statuses import RunStatus
from engine.record.shared_keys import shared_writes
from engine.record.types.run import Run
from engine.record.types.step import CANNOT_BE_UPDATED

_WAYS = {"update": N_("Update what was written …"), "force": N_("Write everything again …")}


def kept_note(visit: Visit, run: Run, opened: str) -> None:
    """Say that nothing was written although this run asks for something else; `opened` is the panel's session key."""
    notes = kept_notes(run)
    if not notes:
        return
    st.warning(
        tn(
            "**Nothing was written.** {count} write of earlier runs was kept, although this run asks for a different "
            "place or different content.",
            "**Nothing was written.** {count} writes of earlier runs were kept, although this run asks for a different "
            "place or different content.",
            len(notes),
        ),
        icon=":material/info:",
    )
    if not visit.may("run") or not run["workflow"]:
        return
    with st.container(horizontal=True):
        for way, label in _WAYS.items():
            if way != "update" or set(notes) != {CANNOT_BE_UPDATED}:
                st.button(t(label), key=f"kept-{way}", on_click=_open, args=(opened, way))


def kept_notes(run: Run) -> list[str]:
    """Return the notes of the writes that were kept although they differ; none if the run wrote anything."""
    effects = {step["path"]: step["effect"] for step in run["steps"] if step["effect"]}
    if run["status"] != RunStatus.SUCCEEDED or not all(one["reused"] for one in effects.values()):
        return []
    shared = shared_writes(run["steps"])
    return [one["note"] for path, one in effects.items() if "note" in one and path not in shared]


def _open(opened: str, way: str) -> None:
    session.keep_draft(opened, "again")
    session.set_widget("again-receipts", way)
