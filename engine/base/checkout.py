"""The folder with what ships beside the packages: documentation, samples, gallery, settings of Streamlit."""

from __future__ import annotations

from pathlib import Path

_ENGINE = Path(__file__).resolve().parents[1]
_IN_WHEEL = _ENGINE / "shipped"
CHECKOUT = _IN_WHEEL if _IN_WHEEL.is_dir() else _ENGINE.parent
"""A checkout, which is also a workspace, or its folders in an installed package (`force-include` in pyproject.toml)."""
