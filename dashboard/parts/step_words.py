"""A step in words: what its type does; its path, type and connection are for whoever points at them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dashboard.base.language import N_, t
from dashboard.base.plain import plain
from engine.base.errors import UnknownName
from engine.plugins.registry import step_type, trigger_type

_CONDITIONS = {
    "from": N_("from {text}"),
    "list": N_("of the list {text}"),
    "subject_is": N_("with the subject {text}"),
    "subject_contains": N_("with {text} in the subject"),
}
"""Those of a rule about mails, by the name that files use."""
_HINT = re.compile(r" \(.*|;.*")
"""What the label of a field says about how to fill it in."""


def type_title(uses: str) -> str:
    """Return what a step type does, in words; of one of an earlier release, its name."""
    try:
        return t(step_type(uses).title)
    except UnknownName:
        return uses


def bare_label(label: str) -> str:
    """Return the label of a field, translated, without what it says about how to fill it in."""
    return _HINT.sub("", t(label))


def field_words(uses: str) -> Mapping[str, str]:
    """Return what the fields of a step type are called."""
    try:
        known = step_type(uses).fields.model_json_schema().get("properties", {})
    except UnknownName:
        return {}
    return {name: bare_label(one["title"]) for name, one in known.items() if one.get("title")}


def trigger_title(uses: str) -> str:
    """Return what a trigger type waits for, in words; of one of an earlier release, its name."""
    try:
        return t(trigger_type(uses).title)
    except UnknownName:
        return uses


def exact(path: str = "", uses: str = "", connection: str = "", *more: str) -> str:
    """Return Markdown that names a step exactly, for the help beside its words."""
    named = t("connection {connection}", connection=connection) if connection else ""
    return plain(" · ".join(filter(None, [path, uses, named, *more])))


def rule_words(when: Mapping[str, str]) -> str:
    """Return the conditions of a rule about mails: 'from news@example.org, with Sale in the subject'."""
    return ", ".join(t(_CONDITIONS[name], text=text) if name in _CONDITIONS else text for name, text in when.items())
