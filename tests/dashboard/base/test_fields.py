from __future__ import annotations

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.base.fields import Field, checksum
from tests.patience import PATIENCE_SECONDS

DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard"


def test_every_larger_text_field_keeps_what_is_typed() -> None:
    bare = [
        f"{path.relative_to(DASHBOARD)}:{node.lineno}"
        for path in DASHBOARD.rglob("*.py")
        if path.name != "fields.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "text_area" and ast.unparse(node) == "st.text_area"
    ]
    assert bare == [], "use fields.text_area: st.text_area loses what is typed when the page is reloaded"


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("123456789", 0xCBF43926)])
def test_the_checksum_is_the_usual_crc_32(text: str, expected: int) -> None:
    assert checksum(text) == expected


def test_half_a_surrogate_pair_is_brought_back_as_a_character_that_can_be_sent() -> None:
    def page() -> None:
        from dashboard.base import fields

        fields.begin()
        fields.bring_back({"slot": {"text": "a\ud800b"}})
        fields.text_area("Text", key="text", slot="slot")
        fields.told()

    at = AppTest.from_function(page, default_timeout=PATIENCE_SECONDS).run().run()
    assert not at.exception
    assert at.text_area(key="text").value == "a\ufffdb"


def test_a_field_is_found_by_the_class_that_streamlit_gives_its_key() -> None:
    assert Field("s", "editor-a.b c/1", "", "").to_browser()["css"] == "st-key-editor-a-b-c-1"
