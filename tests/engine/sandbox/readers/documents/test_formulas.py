"""Formulas of Office documents on one line."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from engine.sandbox.readers.documents.formulas import linear

_FORMULAS = [
    ("<f><num><t>a+b</t></num><den><t>2</t></den></f>", "(a+b)/2"),
    ('<f><fPr><type m:val="noBar"/></fPr><num><t>n</t></num><den><t>k</t></den></f>', "n¦k"),
    ("<sSubSup><e><t>x</t></e><sub><t>i</t></sub><sup><t>2</t></sup></sSubSup>", "x_i^2"),
    ("<rad><deg/><e><t>2</t></e></rad>", "√(2)"),
    ("<rad><deg><t>3</t></deg><e><t>2</t></e></rad>", "√(3&2)"),
    ('<nary><naryPr><chr m:val="∑"/></naryPr><sub><t>i=1</t></sub><sup><t>n</t></sup><e><t>i</t></e></nary>',
     "∑_(i=1)^n i"),
    ('<d><dPr><begChr m:val="["/><endChr m:val="]"/></dPr><e><t>x</t></e></d>', "[x]"),
    ("<func><fName><t>sin</t></fName><e><t>x</t></e></func>", "sin x"),
    ("<m><mr><e><t>1</t></e><e><t>2</t></e></mr><mr><e><t>3</t></e><e><t>4</t></e></mr></m>", "[1, 2; 3, 4]"),
    ("<limLow><e><t>lim</t></e><lim><t>n→∞</t></lim></limLow>", "lim_(n→∞)"),
    ("<acc><e><t>x</t></e></acc>", "x"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "wanted"), _FORMULAS)
def test_a_formula_is_a_line_of_text(formula: str, wanted: str) -> None:
    assert linear(ET.fromstring(f'<oMath xmlns:m="m">{formula}</oMath>')) == wanted
