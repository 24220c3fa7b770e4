"""The form that starts a run: inputs, the accounts it uses, required agreements, and one button."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from clients.errors import ServiceError
from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_text, plain
from dashboard.parts.accounts import account_badges, accounts_of_plan
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box, errors_shown
from dashboard.parts.inputs import inputs_form, with_defaults
from dashboard.parts.status import environment_words
from dashboard.parts.times import full_time
from dashboard.parts.unsaved import draft_notice
from dashboard.run.part import run_part
from engine.base.errors import OrchestraError, TooManyRequests
from engine.base.json_text import JsonObject
from engine.compiler.definition.environment import CURRENT
from engine.compiler.definition.plan import Plan
from engine.record.types.run import Run

if TYPE_CHECKING:
    from engine.runs.starting.preview import PreviewWarning, RunPreview

_FRESH_SECONDS = 20


def run_form(visit: Visit, plan: Plan, run: Run | None = None) -> None:
    """Show the form of a workflow that compiles; with an earlier `run` it starts with the inputs of that run."""
    schema, key = plan.inputs_schema, _form_key(plan)
    given: JsonObject = session.draft(_given(plan.name), {})
    if given:
        schema, key = with_defaults(schema, given), f"{key}-{_digest(given)}"
    if run is not None:
        schema, key = with_defaults(schema, visit.orchestra.runs.inputs(visit.who, run)), f"{key}-{run['run_id']}"
        st.caption(plain(t("With the inputs of the run of {queued_at}.", queued_at=full_time(run["queued_at"]))))
    values, unreadable = inputs_form(
        schema,
        key,
        lambda form: _offered(visit, _accounts_of(visit), form),
        lambda name, content: visit.orchestra.files.add(visit.who, name, content).path,
    )
    for error in unreadable:
        error_box(error)
    missing = _missing(plan.inputs_schema, values)
    where = environment_of(plan)
    preview = None if unreadable or missing else _preview_or_error(visit, plan, values)
    is_agreed = preview is not None and agreed_to(plan.name, preview.warnings)
    needed = preview.needs_confirmation if preview is not None else []
    is_known = (
        visit.orchestra.is_confirmed(visit.who, plan.name, where) if preview is None else not preview.has_new_accounts
    )
    draft_notice(visit, plan.name, _version_words(plan))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"run-bar-{plan.name}"):
        if is_known:
            _run_button(visit, plan, values, needed, is_ready=is_agreed)
            _plan_button(visit, plan, values, needed, is_ready=is_agreed)
        else:
            _look_button(plan, values, is_ready=is_agreed)
        account_badges(accounts_of_plan(visit, plan))
    if preview is not None and preview.estimate is not None:
        st.caption(f":material/payments: {plain(translated(preview.estimate['sentence']))}")
    if missing and not unreadable:
        st.caption(plain(t("Still needed: {missing}", missing=", ".join(missing))))
    run_part(visit, plan, values, is_ready=is_agreed, scope=_digest(values))
    if not is_known and session.draft(_looking(plan.name), "") == _scope(plan, values):
        _first_run(visit, plan, values, is_ready=is_agreed)


def _form_key(plan: Plan) -> str:
    """Return the key of the fields: what is typed for one version is not sent to another one."""
    where = environment_of(plan)
    return f"input-{plan.name}-{where}-{_version(plan)}" if where else f"input-{plan.name}"


def _version_words(plan: Plan) -> str:
    """Return the environment and the version that runs in it; "" if the file runs as it is."""
    version = _version(plan)
    return "" if version == CURRENT else environment_words(environment_of(plan), version)


def _version(plan: Plan) -> int | str:
    return CURRENT if plan.environment is None else plan.environment["versions"].get(plan.name, CURRENT)


def fill_in(name: str, inputs: JsonObject) -> None:
    """Let the form of a workflow begin with these inputs, for the rest of the session."""
    session.keep_draft(_given(name), inputs)


def _given(name: str) -> str:
    return f"inputs-given.{name}"


def _missing(schema: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """Return the titles of the required inputs that are missing."""
    properties = schema.get("properties", {})
    needed = (name for name in schema.get("required", []) if name not in values)
    return [str(properties.get(name, {}).get("title") or name) for name in needed]


def environment_of(plan: Plan) -> str:
    """Return the environment of a plan, "" in a workspace without environments."""
    return "" if plan.environment is None else plan.environment["name"]


def _run_button(
    visit: Visit, plan: Plan, values: Mapping[str, Any], confirmed: Sequence[str], *, is_ready: bool
) -> None:
    start = _starting(visit, plan, values, confirmed)
    _start_button(visit, t("Run"), f"run-{plan.name}", start, _scope(plan, values), is_ready=is_ready)


def _starting(visit: Visit, plan: Plan, values: Mapping[str, Any], confirmed: Sequence[str]) -> Callable[[str], str]:
    """Return what starts a run with this consent, for a request key."""

    def start(request_key: str) -> str:
        where = environment_of(plan)
        who = visit.who.agreeing(confirmed)
        run_id = visit.orchestra.runs.start(who, plan.name, values, request_key=request_key, environment=where)
        _forget_previews(confirmed)
        return run_id

    return start


def _plan_button(
    visit: Visit, plan: Plan, values: Mapping[str, Any], confirmed: Sequence[str], *, is_ready: bool
) -> None:
    """Offer to show what the run would write."""

    def make(request_key: str) -> str:
        where = environment_of(plan)
        who = visit.who.agreeing(confirmed)
        plan_id = visit.orchestra.plans.make(who, plan.name, dict(values), request_key=request_key, environment=where)
        _forget_previews(confirmed)
        return plan_id

    action_button(
        t("Plan"),
        f"plan-{plan.name}",
        make,
        lambda plan_id: visit.go("plan", id=plan_id),
        scope=_scope(plan, values),
        icon=":material/preview:",
        disabled=not is_ready,
    )


def _start_button(
    visit: Visit, label: str, key: str, start: Callable[[str], str], scope: str, *, is_ready: bool
) -> None:
    action_button(
        label,
        key,
        start,
        lambda run_id: visit.go("run", id=run_id),
        scope=scope,
        type="primary",
        icon=":material/play_arrow:",
        disabled=not is_ready,
    )


def agreed_to(name: str, warnings: Sequence[PreviewWarning]) -> bool:
    """Show the warnings; return whether all that need a tick have one."""
    ticks = []
    for warning in warnings:
        show = st.error if warning.must_tick else st.warning
        show(plain(translated(warning.text)), icon=":material/public:" if warning.must_tick else ":material/warning:")
        if warning.must_tick:  # a tick applies to this exact text: another repository needs another tick
            key = f"tick-{name}-{hashlib.sha256(warning.text.encode()).hexdigest()[:8]}"
            ticks.append(st.checkbox(t("I agree that it may be written there"), key=key))
    return all(ticks)


# The first run on real accounts: look, then agree


def _looking(name: str) -> str:
    return f"look.{name}"


def _look_button(plan: Plan, values: Mapping[str, Any], *, is_ready: bool) -> None:
    key = f"look-{plan.name}"
    if st.button(t("Run …"), key=key, type="primary", icon=":material/visibility:", disabled=not is_ready):
        session.keep_draft(_looking(plan.name), _scope(plan, values))


def _first_run(visit: Visit, plan: Plan, values: Mapping[str, Any], *, is_ready: bool) -> None:
    """Show which items the first run on a person's own accounts would process, and ask."""
    name, where = plan.name, environment_of(plan)
    with st.container(border=True, key=f"first-{name}"), errors_shown():
        st.subheader(t("The first run on your own accounts"), anchor=False)
        with st.spinner(t("Checking; nothing is changed …")):
            found = visit.orchestra.preview(visit.who, name, values, look=True, environment=where)
        _what_it_goes_through(found)

        confirm_and_start = _starting(visit, plan, values, found.needs_confirmation)
        label = t("Run on {these}", these=_these(found.count)) if found.count else t("Run")
        with st.container(horizontal=True):
            _start_button(visit, label, f"confirm-{name}", confirm_and_start, _scope(plan, values), is_ready=is_ready)
            _plan_button(visit, plan, values, found.needs_confirmation, is_ready=is_ready)
            if st.button(t("Not now"), key=f"not-now-{name}", type="tertiary"):
                session.drop_draft(_looking(name))
                st.rerun()


def _what_it_goes_through(found: RunPreview) -> None:
    if found.items is None or found.count is None:
        st.write(t("What it will process is known only once it runs."))
        return
    if not found.count:
        st.write(t("It would find nothing to do."))
        return
    st.write(t("It would process {these}:", these=_these(found.count)))
    more = found.count - len(found.items)
    lines = [*found.items, *([t("… and {more} more", more=more)] if more > 0 else [])]
    with st.container(height=min(60 + 26 * len(lines), 320), border=True):
        outside_text("\n".join(lines))
    if found.estimate is not None:
        st.caption(f":material/payments: {plain(translated(found.estimate['sentence']))}")


def _these(count: int) -> str:
    return t("this one") if count == 1 else t("these {count}", count=count)


# These ask services, so not on every click. Streamlit leaves parameters with a leading underscore out of the key, so
# `accounts` also names the person: nobody may get what only another one may see.


def _scope(plan: Plan, values: Mapping[str, Any]) -> str:
    return f"{environment_of(plan)} {_digest(values)}"


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _preview_or_error(visit: Visit, plan: Plan, values: Mapping[str, Any]) -> RunPreview | None:
    try:
        return _preview(visit, _accounts_of(visit), plan.definition_hash, plan.name, values, environment_of(plan))
    except (OrchestraError, ServiceError) as error:
        error_box(error)
        return None


def _accounts_of(visit: Visit) -> str:
    """Return a text that changes with the person, and when the workspace or any account does."""
    modes = [(one.name, one.mode, one.account) for one in visit.orchestra.connections.list(visit.who)]
    workspace = visit.orchestra.workspace
    return f"{visit.who.id} {visit.who.role} {workspace.root} {workspace.state_dir} {modes}"


@st.cache_data(ttl=_FRESH_SECONDS, max_entries=100, show_spinner=False)
def _preview(
    _visit: Visit, accounts: str, definition: str, name: str, values: Mapping[str, Any], environment: str
) -> RunPreview:
    return _visit.orchestra.preview(_visit.who, name, values, look=False, environment=environment)


def _forget_previews(confirmed: Sequence[str]) -> None:
    """Look anew at what must be agreed to, now that somebody has agreed to these."""
    if confirmed:
        _preview.clear()


@st.cache_data(ttl=_FRESH_SECONDS, max_entries=100, show_spinner=False)
def _offered(_visit: Visit, accounts: str, form: str) -> list[str]:
    try:
        return _visit.orchestra.connections.choices(_visit.who, form)
    except TooManyRequests:
        return []
