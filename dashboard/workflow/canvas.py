"""The canvas of a workflow: its steps as a drawing or a list, edited as a draft through the REST API."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base import session
from dashboard.base.browser import owner_of
from dashboard.base.bundles_route import bundle_address
from dashboard.base.language import script_texts, t
from dashboard.base.page import Visit
from dashboard.parts.accounts import service_title
from dashboard.workflow.reach import reach_section
from engine.base.errors import OrchestraError
from engine.base.services import services
from engine.compiler.definition.identifiers import RESERVED_IDS

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile

_SCRIPT = (Path(__file__).parents[1] / "assets" / "canvas.js").read_text(encoding="utf-8")
_ASKED = "asked-copilot"
_mount = st.components.v2.component("ai-orchestra.canvas", js=_SCRIPT, isolate_styles=False)


def canvas_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the canvas of the person's draft, and below it who sees what."""
    with st.container(key="wide"):
        # In a list: Streamlit searches dicts for tables, and loads pandas and pyarrow for that.
        texts = {name: script_texts(name) for name in ("canvas", "studio")}
        data = [{"address": bundle_address("studio"), "texts": texts, "canvas": _shown(visit, file)}]
        with st.container(key="canvas-place"):
            _mount(key=f"canvas-{file.name}", data=data, on_saved_change=lambda: None)
    if file.breaches:
        st.caption(t("Red lines: text from outside goes where it must not; the tab Edit tells more."))
    reach_section(visit, file)


def _shown(visit: Visit, file: WorkflowFile) -> dict[str, Any]:
    """Return what the canvas cannot ask the API for: `Mounted` in frontend/studio/src/store.ts."""
    return {
        "workflow": file.name,
        "owner": owner_of(visit),
        "etag": file.etag,
        "mayEdit": visit.may("edit"),
        "mayRun": visit.may("run"),
        "services": {service.name: service_title(service.name) for service in services()},
        "never": _never_run(visit, file.name),
        "breaches": _pairs(file.breaches),
        "reserved": sorted(RESERVED_IDS),
        "run": st.query_params.get("run", ""),
        "editor": bundle_address("editor"),
        "asks": _asked(file.name),
    }


def ask_copilot(workflow: str, words: str) -> None:
    """Have the co-pilot asked when the canvas of a workflow is opened next."""
    session.keep_draft(_ASKED, (workflow, words))


def _asked(workflow: str) -> str:
    """Return what the co-pilot is asked, once."""
    name, words = session.draft(_ASKED, ("", ""))
    if name != workflow:
        return ""
    session.drop_draft(_ASKED)
    return str(words)


def _never_run(visit: Visit, name: str) -> list[str]:
    """Return the paths of the steps of the saved file whose condition is always false."""
    with suppress(OrchestraError):
        return [node.path for node in visit.orchestra.workflows.plan(visit.who, name).nodes() if node.is_folded]
    return []


def _pairs(ways: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(pair for way in ways for pair in pairwise(way)))
