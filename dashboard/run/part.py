"""Test part of a workflow: one step alone, or with given outputs in place of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.base import fields
from dashboard.base.language import N_, t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import one_line, plain
from dashboard.parts.buttons import action_button
from engine.base.errors import InvalidInput, OrchestraError
from engine.base.json_text import JsonObject, indented
from engine.base.step_tree import FAILURE_PREFIX
from engine.compiler.definition.plan import Plan
from engine.documents.json_file import typed_value
from engine.plugins.step import Effect

_HELP = N_(
    "A test run, marked as such; triggers and other workflows never start one. A "
    "step that is given an output does not run: later steps use that output. If you "
    "choose one step, no other step runs, so give the outputs that it needs."
)
PIN = "pin"
"""The parameter of the address that names a run, to use one of its outputs."""
_EXAMPLE = '{"read_mail": {"messages": []}}'


def run_part(visit: Visit, plan: Plan, values: Mapping[str, Any], *, is_ready: bool, scope: str) -> None:
    """Show the choice of a step, the outputs to use, and the button; real writes need a tick."""
    with st.expander(t("Test a part"), PIN in st.query_params, icon=":material/science:", key=f"part-{plan.name}"):
        st.caption(t(_HELP))
        titles = {one.path: one.title for one in plan.nodes() if not one.path.startswith(FAILURE_PREFIX)}
        only = st.selectbox(
            t("Run only this step"),
            list(titles),
            None,
            format_func=lambda path: one_line(f"{titles[path]} · {path}"),
            placeholder=t("All steps"),
            key=f"part-only-{plan.name}",
            persist_state="session",
        )
        text = fields.text_area(
            t("Outputs to use instead of running steps (JSON)"),
            _asked(visit, plan),
            key=f"part-pins-{plan.name}",
            placeholder=_EXAMPLE,
            help=t("By the path of the step: `each_mail.classify` for every item, `each_mail[3].classify` for one."),
            persist_state="session",
        )
        pins = _pins(text)
        where = "" if plan.environment is None else plan.environment["name"]
        is_known = visit.orchestra.is_confirmed(visit.who, plan.name, where)
        if not is_known:
            advice = t("It has never run on these accounts: start it once with the button above.")
            st.info(advice, icon=":material/info:")
        tick = t("I understand that it really writes")
        is_sure = not _writes(plan, only, pins or {}) or st.checkbox(tick, key=f"part-tick-{plan.name}-{only}")
        action_button(
            t("Run the test"),
            f"part-run-{plan.name}",
            lambda key: visit.orchestra.runs.start(
                visit.who, plan.name, values, request_key=key, pins=pins or None, only=only, environment=where
            ),
            lambda run_id: visit.go("run", id=run_id),
            scope=f"{where} {scope} {only} {text}",
            icon=":material/science:",
            disabled=not (is_ready and is_known and is_sure and pins is not None and (pins or only)),
        )


def _asked(visit: Visit, plan: Plan) -> str:
    """Return the output that the address asks to pin: of a step (`step`) of a run (`pin`); "" for none."""
    run_id, path = st.query_params.get(PIN, ""), st.query_params.get("step", "")
    if not run_id:
        return ""
    try:
        run = visit.orchestra.runs.get(visit.who, run_id)
    except OrchestraError:
        return ""
    of_plan = run["steps"] if run["workflow"] == plan.name else []
    found = next((one["output"] for one in of_plan if one["path"] == path and one["status"] == "succeeded"), None)
    return "" if found is None else indented({path: found})


def _pins(text: str) -> dict[str, Any] | None:
    """Return the outputs by step, {} for none; None for text that is not a JSON object, with the reason on the page."""
    if not text.strip():
        return {}
    try:
        found = typed_value(text, "This text")
    except InvalidInput as error:
        st.error(
            plain(
                t(
                    "{message} {remedy} Write the outputs like {example}",
                    message=translated(error.message),
                    remedy=translated(error.remedy),
                    example=_EXAMPLE,
                )
            ),
            icon=":material/error:",
        )
        return None
    if not isinstance(found, dict):
        st.error(
            plain(t("The outputs are not a JSON object. Write them like {example}", example=_EXAMPLE)),
            icon=":material/error:",
        )
        return None
    return found


def _writes(plan: Plan, only: str | None, pins: JsonObject) -> bool:
    """Return whether a step that would run changes something outside."""
    chosen = (node for node in plan.nodes() if only is None or _is_in(node.path, only))
    called = [node for node in chosen if node.action is not None and not any(_is_in(node.path, pin) for pin in pins)]
    return any(node.effect is Effect.WRITES for node in called)


def _is_in(path: str, around: str) -> bool:
    """Return whether a step is `around` or inside it; the output of one item leaves the other items to run."""
    return path == around or path.startswith(f"{around}.")
