"""The icons and colors that steps may have are those that the canvas offers and can draw."""

from __future__ import annotations

import re

from streamlit.material_icon_names import ALL_MATERIAL_ICONS

from engine.base.checkout import CHECKOUT
from engine.workspace.layout import COLORS, ICONS

OFFERED = (CHECKOUT / "frontend" / "studio" / "src" / "own.ts").read_text()


def _keys(constant: str) -> tuple[str, ...]:
    found = re.search(rf"export const {constant}: [^{{]*= {{\n(.*?)^}};", OFFERED, re.DOTALL | re.MULTILINE)
    assert found is not None
    return tuple(re.findall(r"^  (\w+):", found[1], re.MULTILINE))


def test_the_canvas_offers_the_icons_and_colors_that_are_accepted() -> None:
    assert (_keys("ICONS"), _keys("COLORS")) == (ICONS, COLORS)


def test_the_font_of_the_page_has_the_icons() -> None:
    assert set(ICONS) <= ALL_MATERIAL_ICONS
