"""Text in pictures, read by the real tesseract where it is installed."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from clients.file import tesseract as program
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Run

WORDS = "The invoice number 4711 is due on Friday"
needs_tesseract = pytest.mark.skipif(program.tesseract() is None, reason="tesseract is not installed")


def scan(turned: int = 0) -> Image.Image:
    """A page on which lines are written."""
    page = Image.new("L", (1200, 700), 255)
    font = ImageFont.load_default(38)
    for line in range(9):
        ImageDraw.Draw(page).text((60, 50 + 65 * line), f"{WORDS} {line}", fill=0, font=font)
    return page.rotate(turned, expand=True)


def ocr(**fields: Any) -> list[dict[str, Any]]:
    return [{"id": "it", "uses": "file.ocr", "with": fields}]


def output(document: Any) -> Any:
    assert document["status"] == "succeeded", document["error"]
    return document["steps"][0]["output"]


@needs_tesseract
@pytest.mark.parametrize("turned", [0, 180])
def test_words_are_read_with_confidence_and_place(run: Run, root: Path, turned: int) -> None:
    scan(turned).save(root / "scan.png")
    found = output(run(ocr(file="scan.png")))
    assert found["text"].count("invoice number 4711") >= 8
    assert found["confidence"] > 80
    first = next(word for word in found["words"] if word["text"] == "invoice")
    assert first["page"] == found["pages"] == 1
    assert all(side > 0 for side in first["box"])


@needs_tesseract
def test_scanned_pages_of_a_pdf_are_read(run: Run, root: Path) -> None:
    made = io.BytesIO()
    scan().save(made, "PDF", save_all=True, append_images=[scan()], resolution=150)
    (root / "scan.pdf").write_bytes(made.getvalue())
    steps = [{"id": "text", "uses": "file.text", "with": {"file": "scan.pdf"}}, *ocr(file="scan.pdf", pages="2")]
    document = run(steps)
    assert document["steps"][0]["output"]["needs_ocr"] is True
    found = document["steps"][1]["output"]
    assert {word["page"] for word in found["words"]} == {2}
    assert "invoice number 4711" in found["text"]


@needs_tesseract
def test_a_missing_language_is_said_before_the_run(orchestra: Orchestra) -> None:
    text = json.dumps({"schema_version": 1, "title": "x", "steps": ocr(file="scan.png", languages=["eng", "xyz"])})
    problems = [one.message for one in orchestra.workflows.check(OWNER, "work", text) if one.severity == "error"]
    assert len(problems) == 1
    assert "apt install tesseract-ocr-xyz" in problems[0]


def test_a_missing_program_is_said_before_the_run(orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    text = json.dumps({"schema_version": 1, "title": "x", "steps": ocr(file="scan.png")})
    problems = [one.message for one in orchestra.workflows.check(OWNER, "work", text) if one.severity == "error"]
    assert len(problems) == 1
    assert "apt install tesseract-ocr tesseract-ocr-deu" in problems[0]
