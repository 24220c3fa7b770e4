"""A step in words: what its type does; its path, type and connection are for whoever points at them."""

from __future__ import annotations

from dashboard.base.language import t
from dashboard.base.plain import plain
from engine.base.errors import UnknownName
from engine.plugins.registry import step_type


def type_title(uses: str) -> str:
    """Return what a step type does, in words; of one of an earlier release, its name."""
    try:
        return t(step_type(uses).title)
    except UnknownName:
        return uses


def exact(path: str = "", uses: str = "", connection: str = "", *more: str) -> str:
    """Return Markdown that names a step exactly, for the help beside its words."""
    named = t("connection {connection}", connection=connection) if connection else ""
    return plain(" · ".join(filter(None, [path, uses, named, *more])))
