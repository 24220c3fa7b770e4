"""Where this package lies; its folder is the workspace that ships."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
