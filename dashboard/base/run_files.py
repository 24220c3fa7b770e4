"""The files of a run: a download button for each one that a value names."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard.base.language import N_, number, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from engine.base.run_file import RunFile
from engine.record.types.run import Run

_MOST = 12


def run_files(visit: Visit, run: Run, values: Any, place: str) -> None:
    """Show a button for each file in the values; `place` distinguishes the same file in two places."""
    files = visit.orchestra.runs.files(visit.who, str(run["run_id"]), values)
    if not files:
        return
    with st.container(horizontal=True, gap="small", key=f"files-{place}"):
        for digest, file in list(files.items())[:_MOST]:
            _button(visit, str(run["run_id"]), digest, file, place)
    if len(files) > _MOST:
        st.caption(
            t(
                "{count} more files: `GET /api/runs/{run_id}/files/…` gives each.",
                count=len(files) - _MOST,
                run_id=run["run_id"],
            )
        )


def _button(visit: Visit, run_id: str, digest: str, file: RunFile, place: str) -> None:
    st.download_button(
        f"{plain(file.name)} ({size_text(file.bytes)})",
        lambda: visit.orchestra.runs.file(visit.who, run_id, digest).content,
        file_name=file.name,
        mime="application/octet-stream",  # saved, never displayed: the content may come from outside
        key=f"file-{place}-{digest}",
        icon=":material/download:",
        on_click="ignore",
    )


def size_text(size_bytes: int) -> str:
    """Return a size in readable form, e.g. `1.2 MB`."""
    size, unit = float(size_bytes), N_("bytes")
    for larger in ("KB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{number(size, 0 if unit == 'bytes' or size >= 100 else 1)} {t(unit)}"
