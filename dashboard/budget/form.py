"""The form that sets the budgets of config.yaml."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.parts.buttons import action_button
from engine.base.json_text import JsonObject, compact

_ROWS = {
    "day": N_("All workflows together, in a day"),
    "month": N_("All workflows together, in a month"),
    "workflow.run": N_("Each run of a workflow"),
    "workflow.day": N_("Each workflow, in a day"),
    "workflow.month": N_("Each workflow, in a month"),
}
_SAVES = "budgets.saves"
_ENDS = {"pause": N_("Runs wait"), "warn": N_("Only warn"), "model": N_("Ask another model")}


def budget_form(visit: Visit) -> None:
    """Offer to set the budgets, to whoever may."""
    if not visit.may("admin"):
        return
    known = visit.orchestra.budgets.settings(visit.who)
    version = hashlib.sha256(compact(known).encode()).hexdigest()[:8]  # new fields once a setting has changed
    key = f"budget-{version}-{session.draft(_SAVES, 0)}"  # and after each save, or they keep what was typed
    with st.expander(t("Set budgets"), icon=":material/edit:"):
        st.caption(
            t(
                "An empty field limits nothing; what is reached first counts. A workflow file "
                "with a `budget` of its own goes before *each workflow*. This is written into "
                "config.yaml, where comments stay."
            )
        )
        wanted: dict[str, Any] = {}
        for place in _ROWS:
            limit = _row(place, known, f"{key}-{place}")
            if limit:
                outer, _, inner = place.rpartition(".")
                (wanted.setdefault(outer, {}) if outer else wanted)[inner] = limit
        strict = t("Strict: ask no model whose price is not known")
        if st.checkbox(strict, bool(known.get("strict")), key=f"{key}-strict", persist_state="session"):
            wanted["strict"] = True
        action_button(
            t("Save budgets"),
            "save-budgets",
            lambda _: visit.orchestra.budgets.set(visit.who, wanted),
            lambda _: _saved(),
            scope=compact(wanted),
            type="primary",
        )


def _saved() -> None:
    session.keep_draft(_SAVES, session.draft(_SAVES, 0) + 1)
    fields.forget("budget-")
    session.tell(t("The budgets are saved. They count from the next call of a model on."))
    st.rerun()


def _row(place: str, known: JsonObject, key: str) -> dict[str, Any]:
    """Show the fields of a budget; return it as config.yaml has it, empty if it limits nothing."""
    limit = _limit(known, place)
    st.markdown(f"**{t(_ROWS[place])}**")
    usd, calls, tokens, end, model = st.columns([2, 2, 2, 3, 3])
    kept: dict[str, Any] = {"persist_state": "session"}
    found: dict[str, Any] = {
        "usd": usd.number_input(t("Dollars"), 0.0, None, limit.get("usd"), format="%.2f", key=f"{key}-usd", **kept),
        "calls": calls.number_input(t("Calls"), 0, None, limit.get("calls"), key=f"{key}-calls", **kept),
        "tokens": tokens.number_input(t("Tokens"), 0, None, limit.get("tokens"), key=f"{key}-tokens", **kept),
    }
    on_limit = limit.get("on_limit", "pause")
    other = on_limit["model"] if isinstance(on_limit, Mapping) else ""
    at = list(_ENDS).index("model" if other else on_limit)
    ends = {one: t(words) for one, words in _ENDS.items()}
    chosen = end.selectbox(t("At the limit"), list(ends), at, format_func=ends.__getitem__, key=f"{key}-end", **kept)
    with model:
        advice = t("If another model is asked")
        slot = f"budget-{place}-model"
        name = fields.text_input(t("Other model"), other, key=f"{key}-model", slot=slot, placeholder=advice, **kept)
    found = {kind: most for kind, most in found.items() if most is not None}
    if found and chosen != "pause":
        found["on_limit"] = {"model": name.strip()} if chosen == "model" else chosen
    return found


def _limit(known: JsonObject, place: str) -> Mapping[str, Any]:
    found: Any = known
    for part in place.split("."):
        found = found.get(part, {})
    return found if isinstance(found, Mapping) else {}
