"""The Preview tab of a prompt: its messages with the values of a sample, exactly as a model would get them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from clients.plural import counted
from dashboard.base import fields
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.errors import errors_shown
from dashboard.prompt.draft import Draft, document_of, estimated_tokens, typed
from dashboard.run.step import messages
from engine.documents.json_file import typed_value

_OWN = "Your own values"


def preview_tab(visit: Visit, draft: Draft) -> None:
    """Show the current text with values filled in; no model is asked."""
    document = document_of(typed(draft).text)
    if document is None:
        st.info("Correct the text first: it is not JSON.", icon=":material/data_object:")
        return
    left, right = st.columns([2, 3], gap="large")
    with errors_shown():
        with left:
            variables = _variables(document, draft.name)
        with right:
            rendered = visit.orchestra.prompts.render(visit.who, document, variables)
            tokens = estimated_tokens(rendered.messages)
            st.markdown(f"**As the model receives it** :gray[about {counted(tokens, 'token')}]")
            messages(rendered.messages)


def _variables(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Show a field for each variable, filled from the chosen sample. Raises InvalidInput for text that is not JSON."""
    samples = {str(one["name"]): one.get("variables", {}) for one in _samples(document)}
    chosen = st.selectbox("Sample", [*samples, _OWN], key=f"sample-{name}")
    declared = document.get("variables")
    if not isinstance(declared, Mapping) or not declared:
        st.caption("This prompt has no variables.")
        return {}
    values = samples.get(chosen or _OWN, {})
    return {
        one: _variable(one, schema if isinstance(schema, Mapping) else {}, values, f"{name}-{chosen}")
        for one, schema in declared.items()
    }


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
    label = plain(str(schema.get("title") or name)) + ("" if is_text else " (JSON)")
    height = 100 if len(text) < 80 and "\n" not in text else 220
    typed_text = fields.text_area(label, text, key=f"variable-{place}-{name}", height=height) or ""
    if is_text:
        return typed_text
    return typed_value(typed_text, f"The value of {name}")
