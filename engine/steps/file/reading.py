"""Steps that read a file: what it is, its text, its tables, what it says about itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from clients.wording import counted, listed
from engine.base.run_file import FileContent, RunFile
from engine.plugins.step import Call, JsonValue, Output, Part, option, outside
from engine.sandbox.limits import ChildLimits
from engine.sandbox.reading import read
from engine.steps.file.fields import (
    PAGES,
    FileStep,
    NameOrPlace,
    NumberOrText,
    OneFile,
    new_file,
    opened,
    page_ranges,
    plain_name,
)

# Less time than the step has, so that this error comes first.
_TABLE = ChildLimits(cpu_seconds=240, wall_seconds=290.0, file_bytes=4 * 1024**3)
_LINES = "application/x-ndjson"


class DetectOutput(Output):
    """What the file is, by its content. `kind` is a short word for its type, such as `pdf` or `excel`."""

    kind: str
    media_type: str
    name: str = outside("Name")
    encoding: str = Field(title="Encoding of a text")
    size_bytes: int


class Detect(FileStep):
    """Find out what a file is, by its content, not its name."""

    name = "file.detect"
    title = "Find out what a file is"
    fields = OneFile
    output = DetectOutput

    def call(self, call: Call) -> JsonValue:
        """Return {kind, media_type, name, encoding, size_bytes}."""
        with opened(call, call.fields.file) as given:
            found = read(given, "detect", {})
            return {
                "kind": found["name"],
                "media_type": found["media_type"],
                "name": given.name,
                "encoding": found["encoding"],
                "size_bytes": given.size_bytes,
            }


class TextFields(OneFile):
    """The file, and which part of it to read. `pages` names pages, sheets or slides: `1-3, 5`; empty: all."""

    format: Literal["text", "markdown"] = option("Format of the text", "text")
    pages: NumberOrText = option("Pages, such as 1-3, 5", "", pattern=PAGES)
    max_characters: int = option("Maximum characters", 200_000, ge=100, le=2_000_000)


class PageStart(Part):
    """Where a page begins in the text."""

    page: int
    start: int


class TextOutput(Output):
    """The text of a file. `pages` is the number of its pages, sheets or slides, 0 if it has none; `page_starts` says
    where each page that was read begins in `text`. If `truncated`, `left_out` says what is missing, and so does the end
    of the Markdown. `needs_ocr` is true if a page has a picture or drawing and no text.
    """

    text: str = outside("Text")
    pages: int
    page_starts: list[PageStart]
    truncated: bool
    left_out: str = outside("What is missing")
    needs_ocr: bool
    media_type: str
    name: str = outside("Name")


class Text(FileStep):
    """Read the text of a PDF, a Word, Excel or PowerPoint file, CSV, JSON, HTML, a mail or a text file.

    The file is read in a separate process with limits: a file that would crash or overload the program is refused.
    Hidden text, slides and sheets are left out.
    """

    name = "file.text"
    title = "Read the text of a file"
    fields = TextFields
    output = TextOutput

    def call(self, call: Call) -> JsonValue:
        """Return {text, pages, page_starts, truncated, left_out, needs_ocr, media_type, name}."""
        it: TextFields = call.fields
        options = {"form": it.format, "pages": page_ranges(it.pages), "most": it.max_characters}
        with opened(call, it.file) as given:
            found = read(given, "text", options)
        if found["truncated"]:
            call.notes.append(f"The text was cut: {found['left_out']} left out.")
        if found["needs_ocr"]:
            call.notes.append("Pages without text were found: they may be scanned.")
        call.notes.extend(found["notes"])
        told = ("text", "pages", "page_starts", "truncated", "left_out", "needs_ocr", "media_type")
        return {**{name: found[name] for name in told}, "name": given.name}


class TableFields(OneFile):
    """The file, and which of its tables to read. `sheet` is the name of a sheet or of a list in JSON, or a number from
    1, which also selects a table in a PDF, a Word file or HTML; empty: the first. A text such as `"3"` counts as a
    number only if no sheet has that name. Hidden sheets are not counted, and are read by name. `header` says whether
    the very first row names the columns; empty: the first full row does. `numbers` is the language of the numbers in
    the file: with `de`, a column of `1.234,50` and `12,5 %` has 1234.5 and 0.125.
    """

    sheet: NameOrPlace = option("Sheet or table: name, or number from 1", "")
    header: bool | None = option("The first row names the columns", None)
    pages: NumberOrText = option("Pages of a PDF, such as 1-3", "", pattern=PAGES)
    limit: int = option("Maximum rows in the output", 1000, ge=1, le=10_000)
    typed: bool = option("Turn columns of digits into numbers", default=True)
    numbers: str = option("Language of numbers such as 1.234,50, like de", "", max_length=20)


class TableOutput(Output):
    """A table. Each row is an object with a value for each of `columns`; empty cells are null, dates are written as
    2026-11-20. If there are more rows than the limit, or not all of the file was read, it is `truncated`, and `file`
    has all rows that were read as JSON lines. `preamble` is the text above the table.
    """

    columns: list[str] = outside("Columns")
    rows: list[dict[str, Any]] = outside("Rows")
    row_count: int
    truncated: bool
    file: RunFile | None
    preamble: list[str] = outside("Lines above the table")
    sheets: list[str] = outside("Sheets or tables of the file")


_CALCULATE = "the cell is null. Open the workbook in Excel or LibreOffice and save it to have it calculated."


class Table(FileStep):
    """Read a table: a sheet of Excel or OpenDocument, CSV with any separator and encoding, JSON, JSON lines, a table in
    a PDF (with lines around its cells), a Word file or HTML. Tables in text files may have any size.
    """

    name = "file.table"
    title = "Read a table from a file"
    timeout_seconds = 300.0
    fields = TableFields
    output = TableOutput

    def call(self, call: Call) -> JsonValue:
        """Return {columns, rows, row_count, truncated, file, preamble, sheets}."""
        it: TableFields = call.fields
        options = {
            "sheet": None if it.sheet == "" else it.sheet,
            "header": it.header,
            "pages": page_ranges(it.pages),
            "limit": it.limit,
            "typed": it.typed,
            "numbers": it.numbers,
        }
        with opened(call, it.file) as given, new_file() as (out, path):
            found = read(given, "table", options, _TABLE, out)
            file = FileContent(name=f"{plain_name(given.name, 'table')}.jsonl", media_type=_LINES, path=path)
            if found["truncated"]:
                call.notes.append(f"{found['row_count']:,} rows; {len(found['rows']):,} of them are in `rows`.")
            else:
                path.unlink()
            if it.sheet == "" and len(found["sheets"]) > 1:
                names = listed([repr(name) for name in found["sheets"]])
                call.notes.append(f"Only one of {len(found['sheets']):,} was read: `sheet` picks another of {names}.")
            call.notes.extend(found["notes"])
            if found["empty_formulas"]:
                call.notes.append(f"{counted(found['empty_formulas'], 'formula')} without a stored value: {_CALCULATE}")
        told = ("columns", "rows", "row_count", "truncated", "preamble", "sheets")
        return {**{name: found[name] for name in told}, "file": file if found["truncated"] else None}


class MetadataFields(OneFile):
    """The file."""

    location: bool = option("Also where a picture was taken", default=False)


class MetadataOutput(Output):
    """The properties of a file: `properties` has those that exist of `title`, `author`, `subject`, `created_at`,
    `modified_at` and `pages`; for a mail, its headers; for a picture, also `width`, `height`, `camera` and `taken_at`.
    """

    kind: str
    media_type: str
    name: str = outside("Name")
    size_bytes: int
    properties: dict[str, Any] = outside("Properties")


class Metadata(FileStep):
    """Read the properties of a file. The place where a picture was taken is left out unless you ask for it."""

    name = "file.metadata"
    title = "Read the properties of a file"
    fields = MetadataFields
    output = MetadataOutput

    def call(self, call: Call) -> JsonValue:
        """Return {kind, media_type, name, size_bytes, properties}."""
        it: MetadataFields = call.fields
        with opened(call, it.file) as given:
            found = read(given, "metadata", {})
            size = given.size_bytes
        facts = {name: one for name, one in found["facts"].items() if name != "location" or it.location}
        kinds = {"kind": found["name"], "media_type": found["media_type"]}
        return {**kinds, "name": given.name, "size_bytes": size, "properties": facts}
