"""Text in pictures, read by the real tesseract where it is installed."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from clients.file import tesseract as program
from engine.files.readings import Readings
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Run

WORDS = "The invoice number 4711 is due on Friday"
NAMES = ("Green tea", "Notebook", "Chair", "Lamp", "Desk", "Window", "Carpet", "Mirror")
PRICES = ("12.50", "3.20", "89.00", "45.90", "310.00", "720.15", "65.40", "38.75")
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


def is_kept(document: Any) -> bool:
    return "read before" in (document["steps"][0].get("note") or "")


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
def test_the_rows_of_a_table_are_read_across(run: Run, root: Path) -> None:
    page = Image.new("L", (1600, 900), 255)
    font = ImageFont.load_default(38)
    for line, (name, price) in enumerate(zip(NAMES, PRICES, strict=True)):
        ImageDraw.Draw(page).text((60, 50 + 75 * line), name, fill=0, font=font)
        ImageDraw.Draw(page).text((1250, 50 + 75 * line), price, fill=0, font=font)
    page.rotate(2, fillcolor=255, expand=True).save(root / "scan.png")
    lines = output(run(ocr(file="scan.png")))["text"].splitlines()
    assert [line for line in lines if line] == [f"{name} {price}" for name, price in zip(NAMES, PRICES, strict=True)]


@needs_tesseract
def test_the_same_file_is_read_once(run: Run, root: Path) -> None:
    scan().save(root / "scan.png")
    first = run(ocr(file="scan.png"))
    (root / "scan.png").rename(root / "copy.png")
    again, other = run(ocr(file="copy.png")), run(ocr(file="copy.png", layout="block"))
    assert output(again) == output(first)
    assert [is_kept(one) for one in (first, again, other)] == [False, True, False]
    changed = scan()
    ImageDraw.Draw(changed).rectangle((0, 0, 5, 5), fill=0)
    changed.save(root / "copy.png")
    assert not is_kept(run(ocr(file="copy.png")))


def test_readings_are_bounded_and_forgotten(tmp_path: Path) -> None:
    readings = Readings(tmp_path / "readings", most_bytes=300)
    for at in range(5):
        readings.put(f"key{at}", {"text": "x" * 80})
        os.utime(tmp_path / "readings" / f"key{at}.json", (at, at))
    assert [readings.get(f"key{at}") is not None for at in range(5)] == [False, False, True, True, True]
    assert (tmp_path / "readings" / "key4.json").stat().st_mode & 0o077 == 0
    (tmp_path / "readings" / "key4.json").write_text("{")
    assert readings.get("key4") is None
    readings.forget(3600)
    assert list((tmp_path / "readings").iterdir()) == [tmp_path / "readings" / "key4.json"]


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


@pytest.mark.parametrize("more", [{"if": "{{ inputs.scanned }}"}, {"on_error": "continue"}], ids=["if", "on_error"])
def test_a_workflow_that_can_do_without_the_program_is_only_warned(
    orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch, more: dict[str, str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    inputs = {"type": "object", "properties": {"scanned": {"type": "boolean", "default": False}}}
    steps = [{**ocr(file="scan.png")[0], **more}]
    text = json.dumps({"schema_version": 1, "title": "x", "inputs": inputs, "steps": steps})
    found = [one for one in orchestra.workflows.check(OWNER, "work", text) if one.code == "absent_program"]
    assert [one.severity for one in found] == ["warning"]
    assert "apt install" in found[0].message
