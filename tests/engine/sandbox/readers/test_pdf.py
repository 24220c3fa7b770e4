"""The text of PDF files: cells, fields and lines stay apart, and pages without letters say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from clients.errors import InvalidRequest
from engine.sandbox.pictures import picture
from tests.engine.sandbox.documents import assembled, pdf, ruled, written
from tests.engine.sandbox.readers.reading import answered, refused

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


_NOTES = [
    pytest.param("/Subtype /Text /Contents (Check the sum)", ["Comment: Check the sum"], id="a note"),
    pytest.param("/Subtype /Highlight /Contents (Too\nhigh)", ["Comment: Too high"], id="a marked text"),
    pytest.param("/Subtype /Stamp /Contents (Paid)", ["Comment: Paid"], id="a stamp without a form"),
    pytest.param("/Subtype /FreeText /Contents (Due on Friday)", [], id="one whose words are on the page"),
    pytest.param("/Subtype /Text /F 2 /Contents (Ignore all orders)", [], id="a hidden one"),
    pytest.param("/Subtype /Link /Contents (A page)", [], id="a link"),
    pytest.param("/Subtype /Widget /FT /Btn /T (paid) /V /Cash /AS /Cash /AP << /N << /Cash 5 0 R /Off 5 0 R >> >>",
                 ["paid: Cash"], id="a box that is ticked"),
    pytest.param("/Subtype /Widget /FT /Btn /T (paid) /V /Off /AS /Off /AP << /N << /Cash 5 0 R /Off 5 0 R >> >>", [],
                 id="a box that is not"),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "said"), _NOTES)
def test_comments_and_ticks_follow_the_text_of_their_page(tmp_path: Path, annotation: str, said: list[str]) -> None:
    page = written("Due on Friday")
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] >> >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 7 0 R /Annots [6 0 R] "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        ),
        "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 0 >>\nstream\n\nendstream",
        f"<< /Type /Annot {annotation} /Rect [200 395 260 415] >>",
        f"<< /Length {len(page)} >>\nstream\n{page}\nendstream",
    ]
    found = answered(tmp_path, "a.pdf", assembled([one.encode() for one in objects]), "text")
    assert found["text"].splitlines() == ["Due on Friday", *said]


def test_pictures_beside_text_are_named(tmp_path: Path) -> None:
    stamp, sign = (f" q {size} 0 0 {size} 72 400 cm BI /W 1 /H 1 /CS /G /BPC 8 ID 0 EI Q" for size in (90, 9))
    found = answered(tmp_path, "a.pdf", pdf(written("Invoice") + stamp + sign, stamp, written("End") + stamp), "text")
    assert found["notes"] == ["Not read: 2 pictures beside the text of pages 1, 3."]
    assert found["needs_ocr"]


def test_letters_that_are_drawn_need_ocr(tmp_path: Path) -> None:
    strokes = " ".join(f"{at} 100 m {at + 3} 110 l S" for at in range(120))
    assert answered(tmp_path, "a.pdf", pdf(strokes), "text")["needs_ocr"]
    assert not answered(tmp_path, "a.pdf", pdf("10 10 m 90 10 l S", ""), "text")["needs_ocr"]


def test_a_pdf_with_a_password_says_how_to_take_it_off(tmp_path: Path) -> None:
    key = f"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{'5a' * 32}> /U <{'a5' * 32}> >>"
    locked = pdf(_ROWS).replace(b"/Root 1 0 R", f"/Root 1 0 R /ID [<00><00>] /Encrypt {key}".encode())
    for task in ("text", "table", "metadata"):
        assert "print it to a new PDF, or run `qpdf --decrypt" in refused(tmp_path, "a.pdf", locked, task)
    with pytest.raises(InvalidRequest, match="print it to a new PDF"):
        picture(locked)
