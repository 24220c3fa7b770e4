"""The files of a run: a download button for each one that a value names."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import Any

import streamlit as st

from dashboard.base.language import size_text, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from engine.base.run_file import RunFile
from engine.record.types.run import Run

_MOST = 12
_PICTURES_MOST = 4
_PICTURE_BYTES_MOST = 2 * 1024 * 1024
_PICTURES = {"image/png": b"\x89PNG\r\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8", "image/svg+xml": b"<"}
"""The pictures that are shown, and what each begins with."""


def run_files(visit: Visit, run: Run, values: Any, place: str) -> None:
    """Show a button for each file in the values; `place` distinguishes the same file in two places."""
    files = visit.orchestra.runs.files(visit.who, str(run["run_id"]), values)
    if not files:
        return
    with st.container(horizontal=True, gap="small", key=f"files-{place}"):
        for digest, file in list(files.items())[:_MOST]:
            _button(visit, str(run["run_id"]), digest, file, place)
    pictures = [(digest, one) for digest, one in files.items() if one.media_type in _PICTURES]
    for digest, file in [one for one in pictures if one[1].bytes <= _PICTURE_BYTES_MOST][:_PICTURES_MOST]:
        _picture(visit.orchestra.runs.file(visit.who, str(run["run_id"]), digest).content, file)
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
        lambda: visit.orchestra.runs.file(visit.who, run_id, digest).content,  # read when it is pressed
        file_name=file.name,
        mime="application/octet-stream",  # saved, never displayed: the content may come from outside
        key=f"file-{place}-{digest}",
        icon=":material/download:",
        on_click="ignore",  # otherwise Streamlit draws the page again
    )


def _picture(content: bytes, file: RunFile) -> None:
    """Show a picture, as an image of the page: there, the script and the links of an SVG do nothing."""
    if not content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_PICTURES[file.media_type]):
        return
    # Not by `st.image`: it decodes pictures in this process, and says nothing to people who do not see them.
    source, name = f"data:{file.media_type};base64,{b64encode(content).decode()}", escape(file.name, quote=True)
    st.html(f'<img src="{source}" alt="{name}" style="max-width: 100%; background: #fff; border-radius: 0.25rem">')
