"""A run as a file for whoever looks for a fault: saved on its page, and replayed in any workspace."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from engine.base.statuses import ACTIVE_RUNS, ENDED_RUNS
from engine.record.types.run import Run, RunKind


def export_run(visit: Visit, run: Run) -> None:
    """Show the button that saves a run that has ended as one file."""
    kind = run["kind"]
    if run["status"] in ACTIVE_RUNS or kind in (RunKind.PLAN, RunKind.REPLAY) or not visit.may("run"):
        return
    run_id = str(run["run_id"])
    without_texts = st.checkbox(t("Without the texts of mails, documents and answers"), key=f"without-texts-{run_id}")
    st.download_button(
        t("Save for a bug report"),
        lambda: visit.orchestra.run_bundles.export(visit.who, run_id, without_texts=without_texts),
        file_name=f"{run_id}.zip",
        mime="application/zip",
        icon=":material/bug_report:",
        on_click="ignore",
        help=t(
            "One file with the run, its workflow and its prompts, without secrets, names of people and attachments. "
            "*Replay a file* on the page Runs of any workspace shows what happened, without any account."
        ),
    )


@dialog(N_("Replay a file"), icon=":material/bug_report:")
def import_run(visit: Visit) -> None:
    """Ask for a file, and replay the run in it."""
    st.markdown(
        t(
            "A file that *Save for a bug report* made on the page of a run. What services, models and people answered "
            "is taken from it: no account is used, and nothing is written or sent."
        )
    )
    uploaded = st.file_uploader(t("File"), type="zip", key="import-run-file")
    if uploaded is None:
        return
    content = uploaded.getvalue()
    action_button(
        t("Replay"),
        "import-run-make",
        lambda _key: visit.orchestra.run_bundles.imported(visit.who, content),
        lambda run_id: visit.go("run", id=run_id),
        scope=str(hash(content)),
        type="primary",
    )


def replay_note(visit: Visit, run: Run) -> None:
    """Say whether a replay has ended as the run in its file did."""
    if run["kind"] is not RunKind.REPLAY or run["status"] not in ENDED_RUNS:
        return
    found = visit.orchestra.run_bundles.replayed(visit.who, str(run["run_id"]))
    if found.is_same:
        words = t("It replays run {run} from a file, and ended in the same way.", run=found.of)
        st.success(words, icon=":material/done:")
        return
    words = t("It replays run {run} from a file, and did not end in the same way.", run=found.of)
    st.warning(f"{words}\n\n{t('In the file: {end}', end=plain(found.expected))}", icon=":material/difference:")
