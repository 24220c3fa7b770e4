"""The values of a prompt's variables: typed, of a sample, of a step of a run, or of an earlier try."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import field_label, plain
from dashboard.parts.errors import error_box
from dashboard.parts.popover import close, popover
from dashboard.parts.times import ago
from engine.base.errors import OrchestraError
from engine.documents.json_file import typed_value

if TYPE_CHECKING:
    from engine.runs.prompt_tries.recorded import RecordedCall

PARAM = "values"
"""The parameter of the address that says where the values come from."""
_OWN, _SAMPLE, _RUN, _TRY = "own", "sample:", "run:", "try:"


@dataclass(frozen=True)
class TryValues:
    """The values to try a prompt with, and where they come from."""

    variables: Mapping[str, Any]
    sample: str = ""
    run_id: str = ""
    step: str = ""
    unused: list[str] = field(default_factory=list)
    """Variables that the source has and the prompt does not."""


def of_step(run_id: str, step: str) -> str:
    """Return the parameter for the values of a step of a run."""
    return f"{_RUN}{run_id} {step}"


def of_try(try_id: str) -> str:
    """Return the parameter for the values of an earlier try."""
    return f"{_TRY}{try_id}"


def given_values(visit: Visit, name: str, document: Mapping[str, Any]) -> TryValues:
    """Show where values may come from, and a field for each variable. Raises InvalidInput for text that is not JSON."""
    samples = {str(one["name"]): one.get("variables", {}) for one in _samples(document)}
    source = _source(visit, name, list(samples))
    _from_runs(visit, name)
    kept, given = _kept(visit, name, source, samples)
    declared = document.get("variables")
    declared = declared if isinstance(declared, Mapping) else {}
    if not declared:
        st.caption(t("This prompt has no variables."))
    unused = [one for one in kept if one not in declared]
    if unused:
        st.caption(plain(t("This text has no variable {unused}: left out.", unused=", ".join(unused))))
    variables = {
        one: _variable(one, schema if isinstance(schema, Mapping) else {}, kept, f"{name}-{source}")
        for one, schema in declared.items()
    }
    return TryValues(variables, given.sample, given.run_id, given.step, unused)


def _source(visit: Visit, name: str, samples: list[str]) -> str:
    """Show the choice of a source, which is in the address; return it."""
    options = [*(f"{_SAMPLE}{one}" for one in samples), _OWN]
    mirror = f"sample-{name}"
    wanted = st.query_params.get(PARAM, "") or session.mirrored(mirror, options[0])
    if wanted.startswith((_RUN, _TRY)):
        options = [wanted, *options]
    if wanted not in options:
        wanted = options[0]

    def chosen() -> None:
        st.query_params[PARAM] = session.mirrored(mirror, options[0])

    return str(
        st.selectbox(
            t("Values"),
            options,
            format_func=lambda one: _words(visit, name, one),
            key=session.mirror(mirror, wanted),
            on_change=chosen,
            persist_state="session",
        )
        or _OWN
    )


def _words(visit: Visit, name: str, source: str) -> str:
    if source.startswith(_SAMPLE):
        return source.removeprefix(_SAMPLE)
    if source.startswith(_RUN):
        run_id, _, step = source.removeprefix(_RUN).partition(" ")
        with suppress(OrchestraError):
            return t("From a run: {title}", title=visit.orchestra.tries.values(visit.who, name, run_id, step).title)
        return t("From the run {run_id}", run_id=run_id)
    return t("Of an earlier try") if source.startswith(_TRY) else t("Your own values")


def _from_runs(visit: Visit, name: str) -> None:
    """Offer the last steps of runs that used the prompt."""
    place = f"from-runs-{name}"
    with popover(t("From a real run"), place, ":material/history:"):
        calls = visit.orchestra.tries.calls(visit.who, name)
        if not calls:
            st.caption(t("No run has used this prompt yet."))
        for call in calls:
            _call_button(name, call, lambda: close(place))


def _call_button(name: str, call: RecordedCall, after: Callable[[], None]) -> None:
    def take() -> None:
        st.query_params[PARAM] = of_step(call.run_id, call.step)
        after()

    st.button(
        plain(call.title),
        key=f"call-{name}-{call.run_id}-{call.step}",
        help=plain(f"{call.workflow}, {ago(call.at)}: {call.step}"),
        type="tertiary",
        icon=":material/input:",
        on_click=take,
    )


def _kept(
    visit: Visit, name: str, source: str, samples: Mapping[str, Mapping[str, Any]]
) -> tuple[Mapping[str, Any], TryValues]:
    """Return the values of a source, and the source; none if it is gone, with the reason on the page."""
    tries = visit.orchestra.tries
    try:
        if source.startswith(_RUN):
            run_id, _, step = source.removeprefix(_RUN).partition(" ")
            return tries.values(visit.who, name, run_id, step).variables, TryValues({}, run_id=run_id, step=step)
        if source.startswith(_TRY):
            return tries.get(visit.who, name, source.removeprefix(_TRY))["variables"], TryValues({})
    except OrchestraError as error:
        error_box(error)
        return {}, TryValues({})
    sample = source.removeprefix(_SAMPLE) if source.startswith(_SAMPLE) else ""
    return samples.get(sample, {}), TryValues({}, sample=sample)


def _samples(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    samples = document.get("samples")
    found = samples if isinstance(samples, list) else []
    return [one for one in found if isinstance(one, Mapping) and "name" in one and _is_object(one.get("variables", {}))]


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _variable(name: str, schema: Mapping[str, Any], values: Mapping[str, Any], place: str) -> Any:
    value = values.get(name, schema.get("default", "" if schema.get("type") == "string" else None))
    is_text = schema.get("type") == "string" and isinstance(value, str)
    text = value if is_text else json.dumps(value, ensure_ascii=False, indent=2)
    label = field_label(str(schema.get("title") or name)) + ("" if is_text else " (JSON)")
    height = 100 if len(text) < 80 and "\n" not in text else 220
    typed_text = fields.text_area(label, text, key=f"variable-{place}-{name}", height=height) or ""
    if is_text:
        return typed_text
    return typed_value(typed_text, f"The value of {name}")
