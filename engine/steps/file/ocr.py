"""The step that reads text in pictures and scanned pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from clients import reads_only
from clients.errors import InvalidRequest
from clients.file.tesseract import ABSENT, REMEDY, Tesseract, tesseract
from engine.files.readings import FOLDER, Readings, key_of
from engine.plugins.step import Call, JsonValue, Output, Part, Prompts, option, outside
from engine.sandbox.limits import ChildLimits
from engine.sandbox.reading import ReadableFile, read
from engine.steps.file.fields import PAGES, FileStep, NumberOrText, OneFile, opened, page_ranges

_LIMITS = ChildLimits(cpu_seconds=120, wall_seconds=580.0)  # less than the step has, so that this error comes first
# Page segmentation modes of tesseract (`--psm`). Without its file `osd`, 1 fails: 3 is the same for upright pages.
_LAYOUTS = {"auto": 1, "block": 6, "sparse": 11}
_WITHOUT_TURNING = 3
_UNCERTAIN_BELOW = 60
_UNCERTAIN_MOST = 0.08
_READER = 1
"""Rises when our own part of a reading changes, so that kept ones are no longer used."""
_KEPT = "The same file was read before with these options: its text was taken from that reading."
_CUT = "Only a part of the pages was read: choose others with `pages`, or raise `max_pages`."
_LANGUAGE = re.compile(r"[A-Za-z_]{2,20}\Z")


class OcrFields(OneFile):
    """The file, and how to read it. `languages` are codes of tesseract: `eng`, `deu`, `fra`,
    `jpn`. `layout` is `auto` for pages with columns and paragraphs, `block` for tables and receipts, `sparse` for
    single words here and there.
    """

    languages: list[str] | str = option("Languages of the text, such as eng, deu", ["eng"])
    pages: NumberOrText = option("Pages of a PDF, such as 1-3, 5", "", pattern=PAGES)
    layout: Literal["auto", "block", "sparse"] = option("Layout", "auto")
    max_pages: int = option("Maximum pages", 20, ge=1, le=100)


class Word(Part):
    """A word; `box` is [left, top, width, height] in pixels, of PDF pages at 300 dpi; `confidence` is up to 100."""

    text: str = outside("Word")
    confidence: float
    box: list[int]
    page: int


class OcrOutput(Output):
    """The text; `confidence` is the mean over its words, up to 100: below 80, check the text yourself."""

    text: str = outside("Text")
    words: list[Word]
    confidence: float
    pages: int = Field(title="Pages of the file")
    truncated: bool


class Ocr(FileStep):
    """Read the text in a picture, or on scanned pages of a PDF, with the program tesseract on this machine."""

    name = "file.ocr"
    title = "Read the text in a picture"
    timeout_seconds = 600.0
    fields = OcrFields
    output = OcrOutput

    def call(self, call: Call) -> JsonValue:
        """Return {text, words, confidence, pages, truncated}. Raises InvalidRequest if a language is missing."""
        it: OcrFields = call.fields
        program = tesseract()
        if program is None:
            raise InvalidRequest(
                "The program that reads pictures of text, tesseract, is not installed.", service="file", remedy=REMEDY
            )
        wanted = _languages(it.languages)
        _require(program, wanted)
        layout = _LAYOUTS[it.layout] if "osd" in program.languages or it.layout != "auto" else _WITHOUT_TURNING
        options = {
            "languages": "+".join(wanted),
            "layout": layout,
            "pages": page_ranges(it.pages),
            "most_pages": it.max_pages,
        }
        with opened(call, it.file) as given:
            found, is_kept = _found(given, options, program, call.client.shared)
        doubt = _doubt(found["words"], program)
        call.notes += [doubt] if doubt else []
        call.notes += [_KEPT] if is_kept else []
        call.notes += [_CUT] if found["truncated"] else []
        return {name: found[name] for name in ("text", "words", "confidence", "pages", "truncated")}

    def absence(self) -> str:
        """Return what to say if the program is missing, "" if it is there."""
        return "" if tesseract() else ABSENT

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Say before a run that a language is missing."""
        program = tesseract()
        if program is None:
            return super().problems(arguments, prompts)
        wanted = arguments.get("languages", ["eng"])
        given = wanted if isinstance(wanted, list) else [wanted]
        if all(isinstance(one, str) and "{{" not in one for one in given):
            try:
                _require(program, _languages(given))
            except InvalidRequest as error:
                return [("languages", f"{error.message} {error.remedy}")]
        return super().problems(arguments, prompts)


def _found(
    given: ReadableFile, options: dict[str, JsonValue], program: Tesseract, shared: Path | None
) -> tuple[dict[str, JsonValue], bool]:
    """Return what is in a file, and whether that was kept from an earlier reading of the same content."""
    readings = Readings(shared / FOLDER) if shared else None
    key = key_of(given.handle, {**options, "tesseract": program.version, "reader": _READER}) if readings else ""
    kept = readings.get(key) if readings else None
    if kept is not None:
        return kept, True
    placed = {"program": program.program, "environment": program.environment}
    found = read(given, "ocr", {**options, **placed}, _LIMITS, reads=program.places)
    if readings and not reads_only.is_active():
        readings.put(key, found)
    return found, False


def _languages(given: list[str] | str) -> list[str]:
    """Return the languages of a list, or of a text such as `eng+deu`."""
    several = [given] if isinstance(given, str) else given
    return [one for text in several for one in text.replace(",", "+").replace(" ", "").split("+") if one] or ["eng"]


def _require(program: Tesseract, wanted: list[str]) -> None:
    wrong = next((one for one in wanted if not _LANGUAGE.match(one)), None)
    if wrong is not None:
        raise InvalidRequest(
            f"{wrong!r} is not a language.", service="file", remedy="Write eng, deu or fra, for example."
        )
    missing = [one for one in wanted if one not in program.languages]
    if missing:
        named = " ".join(f"tesseract-ocr-{one.replace('_', '-')}" for one in missing)
        raise InvalidRequest(
            f"Tesseract has no language {', '.join(map(repr, missing))}; it has {', '.join(program.languages)}.",
            service="file",
            remedy=f"Install it: `apt install {named}`.",
        )


def _doubt(words: list[dict[str, JsonValue]], program: Tesseract) -> str:
    uncertain = sum(word["confidence"] < _UNCERTAIN_BELOW for word in words)
    if not words or uncertain <= _UNCERTAIN_MOST * len(words):
        return ""
    known = ", ".join(one for one in program.languages if one != "osd")
    return f"{uncertain} of {len(words)} words are uncertain: is it the right language? Installed: {known}."
