"""Workbooks: which sheet is read, and what becomes of cells that have no plain value."""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900

from engine.sandbox.reading import ReadableFile, read
from tests.engine.sandbox.documents import CONTENT_TYPES, OFFICE, RELATED, zipped
from tests.engine.sandbox.readers.reading import answered, lists, refused

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FORMS = ("General", "yyyy-mm-dd", "[h]:mm", "hh:mm:ss", "#,##0.00")
"""The formats of cells with `s="1"` and so on."""


_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_OF_OASIS = "application/vnd.oasis.opendocument"


def opendocument(*entries: tuple[str, str], cell: str = "") -> bytes:
    """A spreadsheet of OpenDocument with these (paths, media types) in its manifest, and a cell."""
    listed = "".join(f'<m:file-entry m:full-path="{path}" m:media-type="{kind}"/>' for path, kind in entries)
    names = "".join(f' xmlns:{name}="{_OASIS}:{name}:1.0"' for name in ("office", "table", "text"))
    table = f'<table:table table:name="A"><table:table-row>{cell}</table:table-row></table:table>'
    body = f"<office:body><office:spreadsheet>{table}</office:spreadsheet></office:body>"
    return zipped(
        {
            "mimetype": f"{_OF_OASIS}.spreadsheet",
            "META-INF/manifest.xml": f'<m:manifest xmlns:m="{_OASIS}:manifest:1.0">{listed}</m:manifest>',
            "content.xml": f"<office:document-content{names}>{body}</office:document-content>",
        }
    )


def test_what_a_spreadsheet_of_opendocument_has_beside_its_cells_is_named(tmp_path: Path) -> None:
    entries = [
        ("/", f"{_OF_OASIS}.spreadsheet"), ("Object 1/", f"{_OF_OASIS}.chart"), ("Object 2/", f"{_OF_OASIS}.text"),
        ("Object 3", "application/vnd.sun.star.oleobject"), ("Pictures/a.png", "image/png"),
        ("ObjectReplacements/Object 1", "image/png"), ("Thumbnails/thumbnail.png", "image/png"),
    ]  # fmt: skip
    comment = "<office:annotation><text:p>Why?</text:p></office:annotation>"
    cell = f'<table:table-cell office:value-type="string">{comment}<text:p>Swifts</text:p></table:table-cell>'
    found = answered(tmp_path, "a.ods", opendocument(*entries, cell=cell), "text")
    assert found["notes"] == ["Not read: 1 chart, 2 embedded objects, 1 picture, 1 comment."]
    assert "Swifts" in found["text"]
    assert answered(tmp_path, "a.ods", opendocument(entries[0], cell=cell.replace(comment, "")), "text")["notes"] == []


def test_comments_follow_the_cells_of_their_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["B2"] = 12
    book.active["B2"].comment = Comment("Checked\nby Bo", "Bo")
    book.active["C3"].comment = Comment("[Threaded comment] Your version", "Ann")
    book.create_sheet("Empty")
    made = io.BytesIO()
    book.save(made)
    with zipfile.ZipFile(made, "a") as archive:
        threads = "".join(
            f'<threadedComment ref="C3"><text>{said}</text></threadedComment>' for said in ("Why?", "So.")
        )
        archive.writestr("xl/threads.xml", f"<ThreadedComments>{threads}</ThreadedComments>")
        kept = archive.read("xl/worksheets/_rels/sheet1.xml.rels").decode()
        added = kept.replace(
            "</Rel", f'<Relationship Id="t" Type="{OFFICE}/threadedComment" Target="/xl/threads.xml"/></Rel'
        )
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("xl/worksheets/_rels/sheet1.xml.rels", added)
    found = answered(tmp_path, "a.xlsx", made.getvalue(), "text")
    assert found["text"] == "12\n\nComment in B2: Checked by Bo\nComment in C3: Why? So."
    assert found["notes"] == []


def workbook(
    rows: str, names: Sequence[str] = ("Sheet",), size: str = "", hidden: Sequence[str] = (), merged: Sequence[str] = ()
) -> bytes:
    """A workbook whose sheets have these rows, or their own names, as XML."""
    states = {name: f'state="{"veryHidden" if at else "hidden"}"' for at, name in enumerate(hidden)}
    types = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    types += [(f"/xl/worksheets/sheet{at}.xml", "worksheet") for at, _ in enumerate(names)]
    sheets = "".join(
        f'<sheet name="{name}" sheetId="{at + 1}" r:id="r{at}" {states.get(name, "")}/>'
        for at, name in enumerate(names)
    )
    related = "".join(
        f'<Relationship Id="r{at}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at, _ in enumerate(names)
    )
    formats = "".join(f'<numFmt numFmtId="{164 + at}" formatCode="{form}"/>' for at, form in enumerate(_FORMS))
    styles = "".join(f'<xf numFmtId="{164 + at}" applyNumberFormat="1"/>' for at, _ in enumerate(_FORMS))
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{CONTENT_TYPES}"><Default Extension="rels" ContentType="application/'
            'vnd.openxmlformats-package.relationships+xml"/>'
            + "".join(f'<Override PartName="{at}" ContentType="{_KIND}.{kind}+xml"/>' for at, kind in types)
            + "</Types>",
            "_rels/.rels": f'<Relationships xmlns="{RELATED}"><Relationship Id="r" Type="{OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATED}">{related}<Relationship Id="s" '
            f'Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
            "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts>{formats}</numFmts><cellXfs>{styles}</cellXfs>'
            "</styleSheet>",
            **{
                f"xl/worksheets/sheet{at}.xml": f'<worksheet xmlns="{_MAIN}">{size}<sheetData>'
                f"{rows or _text_row(1, name, 'b')}</sheetData>{_merged(merged)}</worksheet>"
                for at, name in enumerate(names)
            },
        }
    )


def _merged(ranges: Sequence[str]) -> str:
    told = "".join(f'<mergeCell ref="{one}"/>' for one in ranges)
    return f'<mergeCells count="{len(ranges)}">{told}</mergeCells>' if ranges else ""


def _text_row(number: int, *cells: str) -> str:
    told = "".join(
        f'<c r="{letter}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
        for letter, cell in zip("ABCDE", cells, strict=False)
    )
    return f'<row r="{number}">{told}</row>'


def sheet_of(*cells: str) -> str:
    """The rows of a sheet: a head, and a row for each cell, which is named B2, B3 and so on."""
    rows = "".join(
        f'<row r="{at}"><c r="A{at}"><v>{at}</v></c><c r="B{at}"{cell}</c></row>' for at, cell in enumerate(cells, 2)
    )
    return _text_row(1, "n", "it") + rows


def values(found: dict[str, Any]) -> list[Any]:
    return [row["it"] for row in found["rows"]]


@pytest.mark.parametrize(
    ("sheet", "name"), [(None, "First"), (1, "First"), (2, "3"), (3, "1"), ("1", "1"), ("3", "3"), ("2", "3")]
)
def test_a_number_is_a_place_and_a_text_a_name(tmp_path: Path, sheet: object, name: str) -> None:
    content = workbook("", ["First", "3", "1"])
    assert answered(tmp_path, "a.xlsx", content, sheet=sheet)["columns"] == [name, "b"]
    lists_of = '{"First": [{"First": 1, "b": 2}], "3": [{"3": 1, "b": 2}], "1": [{"1": 1, "b": 2}]}'
    if sheet is not None:
        assert answered(tmp_path, "a.json", lists_of, sheet=sheet)["columns"] == [name, "b"]


@pytest.mark.parametrize("sheet", [0, 4, -1, "4", "none", "0"])
def test_a_sheet_that_is_not_there_is_refused(tmp_path: Path, sheet: object) -> None:
    said = refused(tmp_path, "a.xlsx", workbook("", ["First", "3", "1"]), sheet=sheet)
    assert said == f"There is no sheet {sheet!r}; the sheets are 'First', '3', '1'."


_FIVE = ", ".join(f"#N/A in B{at}" for at in range(2, 7))
_CELLS: list[Any] = [
    pytest.param(['><v>1</v>', ' s="4"><v>-1.5</v>', ' t="b"><v>1</v>'], [1, -1.5, True], [], id="plain"),
    pytest.param(
        [' t="e"><v>#DIV/0!</v>', ' t="e"><f>B1</f><v>#N/A</v>', "><v>1</v>"], [None, None, 1],
        ["2 cells have an error in place of a value (#DIV/0! in B2, #N/A in B3): they are null."], id="errors",
    ),
    pytest.param(
        [' t="e"><v>#SPILL!</v>', "><v>1</v>"], [None, 1],
        ["1 cell has an error in place of a value (#SPILL! in B2): it is null."], id="an error of a newer Excel",
    ),
    pytest.param(
        ["><v>NaN</v>", "><v>1E+400</v>", "><v>-1E+400</v>"], [None] * 3,
        ["3 cells have a number that is not valid, or too large (B2, B3, B4): they are null."], id="no numbers",
    ),
    pytest.param(
        [' s="1"><v>46000</v>', ' s="1"><v>46000.5</v>'], ["2025-12-09", "2025-12-09T12:00:00"], [], id="dates",
    ),
    pytest.param(
        [' s="1"><v>-1</v>', ' s="3"><v>-0.25</v>', ' s="1"><v>46000</v>'], [-1, -0.25, "2025-12-09"],
        ["2 cells have a date before the first one of Excel (B2, B3): they are the number that is stored."],
        id="dates before the first",
    ),
    pytest.param(
        [' s="2"><v>-0.5</v>', ' s="2"><v>1.1041666666666667</v>', ' s="3"><v>0.5</v>'],
        ["-12:00:00", "26:30:00", "12:00:00"], [], id="durations",
    ),
    pytest.param(
        [' s="2"><v>1E+15</v>', ' s="2"><v>0.5</v>'], [None, "12:00:00"],
        ["1 cell has an error in place of a value (#VALUE! in B2): it is null."], id="a duration too long",
    ),
    pytest.param(
        [' t="e"><v>#N/A</v>'] * 7, [None] * 7,
        [f"7 cells have an error in place of a value ({_FIVE} and 2 more): they are null."], id="many errors",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "wanted", "notes"), _CELLS)
def test_a_cell_without_a_plain_value_is_told_of(
    tmp_path: Path, cells: list[str], wanted: list[Any], notes: list[str]
) -> None:
    content = workbook(sheet_of(*cells))
    found = answered(tmp_path, "a.xlsx", content)
    assert (values(found), found["notes"]) == (wanted, notes)
    text = answered(tmp_path, "a.xlsx", content, "text")
    assert text["notes"] == [f"Sheet Sheet: {note}" for note in notes]


@pytest.mark.parametrize("place", ["XFD5000", "ZZ100000", "XFD1048576"])
@pytest.mark.parametrize("is_told", [False, True])
def test_a_cell_far_away_is_read(tmp_path: Path, place: str, is_told: bool) -> None:
    number = place.lstrip("XFDZ")
    rows = sheet_of("><v>1</v>") + f'<row r="{number}"><c r="{place}"><v>7</v></c></row>'
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook(rows, size=f'<dimension ref="A1:{place}"/>' if is_told else ""))
    handle = os.open(path, os.O_RDONLY)
    try:
        found = read(ReadableFile(handle, "a.xlsx"), "table", {"limit": 10, "pages": []})
        assert (lists(found)[0][:2], lists(found)[1][-1]) == ([2, 1], 7)
        text = read(ReadableFile(handle, "a.xlsx"), "text", {"most": 1000, "form": "markdown", "pages": []})
        assert "n" in text["text"]
    finally:
        os.close(handle)


def test_a_workbook_with_a_password_says_so(tmp_path: Path) -> None:
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)
    for name, task in (("a.xlsx", "table"), ("a.docx", "text")):
        assert "It is locked with a password. Open it in Office, take the password off" in refused(
            tmp_path, name, content, task
        )
    assert answered(tmp_path, "a.xlsx", content, "detect")["words"] == "Office document with a password"


def test_hidden_sheets_are_read_by_their_names_only(tmp_path: Path) -> None:
    content = workbook("", ["Key", "Orders", "Lists", "Other"], hidden=["Key", "Lists"])
    said = "Left out: 2 hidden sheets ('Key', 'Lists'). `file.table` reads one by its name."
    wanted = {None: ("Orders", [said]), 2: ("Other", [said]), "Lists": ("Lists", []), "Other": ("Other", [])}
    for sheet, (name, notes) in wanted.items():
        found = answered(tmp_path, "a.xlsx", content, sheet=sheet)
        assert (found["columns"][0], found["sheets"], found["notes"]) == (name, ["Orders", "Other"], notes)
    text = answered(tmp_path, "a.xlsx", content, "text")
    assert (text["text"].split(), text["pages"]) == (["Orders", "b", "Other", "b"], 2)
    assert text["notes"] == [said]


def test_a_merged_cell_is_in_each_of_its_rows(tmp_path: Path) -> None:
    rows = _text_row(1, "region", "what", "", "n") + _text_row(2, "North", "a") + _text_row(3, "", "b", "c", "d")
    content = workbook(rows + _text_row(5, "", "", "", "e") + _text_row(6, "", "f"), merged=["A2:A5", "B1:C1", "B5:C6"])
    found = answered(tmp_path, "a.xlsx", content)
    assert lists(found) == [
        ["North", "a", None, None],
        ["North", "b", "c", "d"],
        ["North", None, None, "e"],
        [None, "f", None, None],
    ]
    text = answered(tmp_path, "a.xlsx", content, "text")["text"]
    assert text.splitlines()[2] == "North\tb\tc\td"


_HEADS_OF_TWO: list[tuple[list[str], list[tuple[str, ...]], list[str], int]] = [
    (["B1:C1"], [("Region", "2026"), ("", "Q1", "Q2"), ("North", "1", "2")], ["Region", "2026 Q1", "2026 Q2"], 1),
    (["A1:A2", "B1:C1"], [("Region", "2026"), ("", "Q1", "Q2"), ("N", "1", "2")], ["Region", "2026 Q1", "2026 Q2"], 1),
    (["A1:C1", "B2:C2"], [("Sales",), ("of", "2026"), ("", "1", "2"), ("N", "3", "4")], ["of", "2026 1", "2026 2"], 1),
    (["A1:B1", "C1:D1"], [("2025", "", "2026"), ("a", "b", "a", "b"), ("1", "2", "3", "4")],
     ["2025 a", "2025 b", "2026 a", "2026 b"], 1),
    (["A1:B1"], [("Name", "", "Age"), ("Anna", "Berg", "5"), ("Bo", "Dahl", "6")], ["Name", "column_2", "Age"], 2),
]  # fmt: skip


@pytest.mark.parametrize(("merged", "rows", "columns", "count"), _HEADS_OF_TWO)
def test_a_head_over_two_rows_with_merged_cells_is_one(
    tmp_path: Path, merged: list[str], rows: list[tuple[str, ...]], columns: list[str], count: int
) -> None:
    content = workbook("".join(_text_row(at, *cells) for at, cells in enumerate(rows, 1)), merged=merged)
    found = answered(tmp_path, "a.xlsx", content)
    assert (found["columns"], found["row_count"]) == (columns, count)


def test_the_name_of_an_odd_cell_counts_columns_that_are_empty(tmp_path: Path) -> None:
    rows = _text_row(2, "", "n", "it").replace('<c r="A2" t="inlineStr"><is><t></t></is></c>', "")
    found = answered(
        tmp_path, "a.xlsx", workbook(rows + '<row r="3"><c r="B3"><v>1</v></c><c r="C3"><v>1E+400</v></c></row>')
    )
    assert found["notes"] == ["1 cell has a number that is not valid, or too large (C3): it is null."]


def test_merged_cells_count_from_the_first_column_that_has_cells(tmp_path: Path) -> None:
    rows = "".join(
        _text_row(at, *cells).replace('"A', '"C').replace('"B', '"D')
        for at, cells in enumerate([("region", "n"), ("North", "1"), ("", "2")], 4)
    )
    assert lists(answered(tmp_path, "a.xlsx", workbook(rows, merged=["C5:C6", "A4:A5", "B4:B5"]))) == [
        ["North", "1"],
        ["North", "2"],
    ]


def test_rows_with_nothing_but_merged_cells_are_none(tmp_path: Path) -> None:
    rows = _text_row(1, "Sales of 2026") + _text_row(4, "a", "b") + _text_row(5, "1", "2")
    found = answered(tmp_path, "a.xlsx", workbook(rows, merged=["A1:B3", "A5:A1048576", "B5:B1048576"]))
    assert (found["preamble"], lists(found)) == (["Sales of 2026"], [["1", "2"]])


def test_a_long_number_keeps_its_digits(tmp_path: Path) -> None:
    digits = ["12345678901234567890", "-9007199254740993", "9007199254740992", "1234567890123456"]
    content = workbook(sheet_of(*(f"><v>{one}</v>" for one in digits)))
    wanted = [*digits[:2], 9007199254740992, 1234567890123456]
    assert values(answered(tmp_path, "a.xlsx", content)) == wanted


def test_a_text_says_which_formulas_were_never_calculated(tmp_path: Path) -> None:
    content = workbook(sheet_of("><f>A2*2</f><v></v>", "><f>A3*2</f>", "><f>A4*2</f><v>8</v>"), ["First", "2"])
    found = answered(tmp_path, "a.xlsx", content, "text")
    where = "Formulas without a stored value, whose cells are empty: 2 in the sheet 'First', 2 in the sheet '2'."
    assert found["notes"] == [f"{where} Open the workbook in Excel or LibreOffice and save it to have them calculated."]


Change = Callable[[str, str], tuple[str, str]]
"""Makes another of the name and the text of a part."""


def made(change: Change, *, is_from_1904: bool) -> bytes:
    """A workbook as openpyxl writes it, each of whose parts is changed."""
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904 if is_from_1904 else CALENDAR_WINDOWS_1900
    book.active.append(["n", "it", "text"])
    book.active.append([1, dt.datetime(2026, 3, 1, 12, 30), "North"])  # noqa: DTZ001 - a workbook has no zones
    rich = CellRichText("a ", TextBlock(InlineFont(b=True), "bold"), " word")
    book.active.append([2, dt.time(1, 2), rich])
    book.active.append([3, "x", "_x005F_x0041_"])
    book.create_chartsheet("Chart")
    saved, changed = io.BytesIO(), io.BytesIO()
    book.save(saved)
    with zipfile.ZipFile(saved) as archive, zipfile.ZipFile(changed, "w") as other:
        for name in archive.namelist():
            other.writestr(*change(name, archive.read(name).decode()))
    return changed.getvalue()


_STRICT = (
    (_MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main"),
    (OFFICE, "http://purl.oclc.org/ooxml/officeDocument/relationships"),
)


def strict(name: str, text: str) -> tuple[str, str]:
    for transitional, other in _STRICT:
        text = text.replace(transitional, other)
    return name, text


@pytest.mark.parametrize("is_from_1904", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda name, text: (name, text), id="as Excel"),
        pytest.param(strict, id="strict Open XML"),
        pytest.param(lambda name, text: (name, re.sub(' r="[A-Z]*[0-9]+"', "", text)), id="places left out"),
        pytest.param(lambda name, text: (name.replace("shared", "Shared"), text), id="other letters in a name"),
        pytest.param(
            lambda name, text: (name, text.replace("</si>", '<rPh sb="0" eb="1"><t>KANA</t></rPh></si>')),
            id="pronunciation",
        ),
    ],
)
def test_a_workbook_is_read_whichever_program_wrote_it(tmp_path: Path, change: Change, is_from_1904: bool) -> None:
    found = answered(tmp_path, "a.xlsx", made(change, is_from_1904=is_from_1904))
    assert lists(found) == [
        [1, "2026-03-01T12:30:00", "North"],
        [2, "01:02:00", "a bold word"],
        [3, "x", "_x0041_"],
    ]
    assert found["sheets"] == ["Sheet", "Chart"]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param('<row r="2"/><row r="1"/>', id="rows in another order"),
        pytest.param('<row r="1048577"><c><v>1</v></c></row>', id="a row too many"),
        pytest.param('<row r="1"><c r="XFE1"><v>1</v></c></row>', id="a column too many"),
        pytest.param('<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>', id="cells in another order"),
        pytest.param('<row r="1"><c t="s"><v>7</v></c></row>', id="a text that is not there"),
        pytest.param('<row r="1"><c><v>one</v></c></row>', id="no number"),
        pytest.param('<row r="1"><c><v>1</v></row>', id="no end"),
    ],
)
def test_a_damaged_sheet_says_so(tmp_path: Path, rows: str) -> None:
    assert refused(tmp_path, "a.xlsx", workbook(rows)) == "The sheet 'Sheet' is damaged."
