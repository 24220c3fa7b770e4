"""The folder that contains this package, which is also the workspace that ships with it."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
