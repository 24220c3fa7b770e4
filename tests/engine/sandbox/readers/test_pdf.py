"""The text of PDF files: cells, fields and lines stay apart, and pages without letters say so."""

from __future__ import annotations

from pathlib import Path

from tests.engine.sandbox.documents import assembled, pdf, ruled, written
from tests.engine.sandbox.readers.reading import answered

_ROWS = ruled([["Item", "Qty", "Sum"], ["Apple", "2", "7"], ["Pear", "4", "9"]])


def test_short_cells_of_a_row_stay_apart(tmp_path: Path) -> None:
    words = ["Item", "Qty", "Sum", "Apple", "2", "7", "Pear", "4", "9"]
    assert answered(tmp_path, "a.pdf", pdf(_ROWS), "text")["text"].split() == words
    outside = "BT /F1 12 Tf 9000 700 Td (Outside) Tj ET "
    assert answered(tmp_path, "a.pdf", pdf(outside + _ROWS), "text")["text"].split() == words


def test_what_was_typed_into_a_form_is_text(tmp_path: Path) -> None:
    field = "<< /Type /Annot /Subtype /Widget /FT /Tx /T (n) /V ({}) /DA (/F1 12 Tf 0 g) /F {} /Rect [200 {} 400 {}] >>"
    form = "<< /Fields [6 0 R 7 0 R] /DR << /Font << /F1 3 0 R >> >> >>"
    fonts = "/Resources << /Font << /F1 3 0 R >> >>"
    page = written("Name")
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R /AcroForm {form} >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Annots [6 0 R 7 0 R] {fonts} >>",
        f"<< /Length {len(page)} >>\nstream\n{page}\nendstream",
        field.format("Ann Lee", 4, 695, 715),
        field.format("Hidden", 2, 595, 615),
    ]
    found = answered(tmp_path, "a.pdf", assembled([one.encode() for one in objects]), "text")
    assert found["text"].split() == ["Name", "Ann", "Lee"]


def test_letters_that_are_drawn_need_ocr(tmp_path: Path) -> None:
    strokes = " ".join(f"{at} 100 m {at + 3} 110 l S" for at in range(120))
    assert answered(tmp_path, "a.pdf", pdf(strokes), "text")["needs_ocr"]
    assert not answered(tmp_path, "a.pdf", pdf("10 10 m 90 10 l S", ""), "text")["needs_ocr"]
