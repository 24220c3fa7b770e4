"""Steps of files: every format is read alike, in a run, from the workspace and from files of the run."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from engine.base.errors import InvalidInput
from engine.orchestra import Orchestra
from engine.steps.file.workspace import Write, WriteFields
from tests.engine.conftest import OWNER, Run, write_workflow
from tests.engine.sandbox import documents
from tests.engine.sandbox.documents import FILES, HEAD, OBJECTS, ROWS, TEXT
from tests.patience import PATIENCE_SECONDS

NO_TEXT = {"a.jpg", "a.png", "a.zip", "a.tsv", "a.csv"}
TABLES = ["a.docx", "a.xlsx", "a.csv", "bank.csv", "a.tsv", "a.json", "a.html", "a.pdf"]


@pytest.fixture
def inbox(root: Path) -> Path:
    """A folder of the workspace with a file of each format."""
    folder = root / "inbox"
    folder.mkdir()
    for name, make in FILES.items():
        (folder / name).write_bytes(make())
    return folder


def step(uses: str, step_id: str = "it", **fields: Any) -> dict[str, Any]:
    return {"id": step_id, "uses": uses, "with": fields}


def output(document: Mapping[str, Any], step_id: str = "it") -> Any:
    assert document["status"] == "succeeded", document["error"]
    return next(one for one in document["steps"] if one["path"] == step_id)["output"]


def each(uses: str, names: list[str], **fields: Any) -> list[dict[str, Any]]:
    """A step for each file."""
    return [step(uses, f"s{at}", file=f"inbox/{name}", **fields) for at, name in enumerate(names)]


def test_the_text_of_every_format_is_read(run: Run, inbox: Path) -> None:
    names = [name for name in FILES if name not in NO_TEXT]
    document = run([*each("file.text", names, format="markdown"), step("file.text", file="inbox/a.jpg")])
    for at, name in enumerate(names):
        found = output(document, f"s{at}")
        assert TEXT in found["text"], name
        assert found["needs_ocr"] is found["truncated"] is False
    assert [output(document, f"s{names.index(name)}")["pages"] for name in ("a.pdf", "a.xlsx", "a.pptx")] == [2, 2, 2]
    slides = output(document, f"s{names.index('a.pptx')}")
    assert slides["text"].index("Slide 1: First") < slides["text"].index("Slide 2: Second")
    assert "Notes: Speak slowly." in slides["text"]
    assert [slides["text"][one["start"] :][:10] for one in slides["page_starts"]] == ["## Slide 1", "## Slide 2"]
    hidden = output(document, f"s{names.index('a.html')}")["text"]
    assert "Ignore" not in hidden
    assert "obey" not in hidden
    assert output(document)["needs_ocr"] is True


def test_pages_are_chosen_and_what_is_cut_is_said(run: Run, inbox: Path) -> None:
    (inbox / "long.pdf").write_bytes(documents.pdf(*(documents.written(f"Page number {at}") for at in range(1, 41))))
    book = openpyxl.Workbook()
    for title, cell in (("2", "one"), ("1", "two")):
        book.create_sheet(title).append([cell, "b"])
    del book["Sheet"]
    book.save(inbox / "odd.xlsx")
    document = run(
        [
            step("file.text", "some", file="inbox/long.pdf", pages="2-3, 40"),
            step("file.text", "listed", file="inbox/long.pdf", pages=[2, 3, 40]),
            step("file.table", "sheet", file="inbox/odd.xlsx", sheet=2),
            step("file.table", "named", file="inbox/odd.xlsx", sheet="2"),
            step("file.table", "first", file="inbox/odd.xlsx"),
            step("file.text", "cut", file="inbox/long.pdf", format="markdown", max_characters=100),
        ]
    )
    assert output(document, "some")["text"] == "Page number 2\n\nPage number 3\n\nPage number 40"
    assert output(document, "listed")["text"] == output(document, "some")["text"]
    assert [output(document, name)["columns"][0] for name in ("sheet", "named", "first")] == ["two", "one", "one"]
    cut = output(document, "cut")
    assert cut["truncated"] is True
    assert cut["text"].endswith("left out.]")
    assert "more of 40 pages" in cut["left_out"]


def test_the_same_table_is_read_from_every_format(run: Run, inbox: Path) -> None:
    document = run(each("file.table", TABLES))
    for at, name in enumerate(TABLES):
        found = output(document, f"s{at}")
        assert found["columns"] == HEAD, name
        if name in ("a.docx", "a.html", "a.pdf"):  # their cells are texts
            assert [str(row["id"]) for row in found["rows"]] == ["1", "2", "3"], name
            assert found["rows"][2]["amount"] is None
        else:
            assert found["rows"] == OBJECTS, name
            assert isinstance(found["rows"][0]["amount"], int)
        assert found["truncated"] is False
        assert found["file"] is None
    assert output(document, f"s{TABLES.index('bank.csv')}")["preamble"] == ["Account DE00", f"Note {TEXT}"]


def test_formulas_that_were_never_calculated_are_counted(run: Run, orchestra: Orchestra, inbox: Path) -> None:
    book = openpyxl.Workbook()
    for row in [["n", "double"], [1, "=A2*2"], [2, "=A3*2"]]:
        book.active.append(row)
    book.create_sheet("Values").append([3, 4])
    made = io.BytesIO()
    book.save(made)
    (inbox / "sums.xlsx").write_bytes(made.getvalue())
    document = run(
        [step("file.table", file="inbox/sums.xlsx"), step("file.table", "two", file="inbox/sums.xlsx", sheet=2)]
    )
    assert output(document)["rows"] == [{"n": 1, "double": None}, {"n": 2, "double": None}]
    first, second = (json.dumps(one) for one in document["steps"])
    assert "2 formulas without a stored value" in first
    assert "formula" not in second
    pages = [orchestra.files.view(OWNER, "inbox/sums.xlsx", page).table for page in (1, 2)]
    assert [page.empty_formulas for page in pages if page is not None] == [2, 0]


_LONG = "123456789012345678901234"
_ODD_TABLES: list[Any] = [
    pytest.param("a.csv", "a,b\n1,2\n3,4,5", {"a": [1, 3], "b": [2, 4], "column_3": [None, 5]}, id="a wider row"),
    pytest.param(
        "a.jsonl", '{"a":1}\n' * 1001 + '{"b":2}\n{"a":3}', {"a": [*([1] * 1001), None, 3]}, id="a later name of JSON"
    ),
    pytest.param(
        "a.json",
        f'[{{"n": {_LONG}, "m": {{"k": [-{_LONG}]}}}}, {{"n": 9007199254740993, "m": 0.1234567890123456}}, {{"n": 1}}]',
        {"n": [_LONG, "9007199254740993", 1], "m": [{"k": [f"-{_LONG}"]}, 0.1234567890123456, None]},
        id="long numbers of JSON",
    ),
    pytest.param("a.json", f"[{_LONG}, 1e30]", {"value": [_LONG, 1e30]}, id="long numbers alone"),
    pytest.param(
        "a.csv",
        f"n,m\n1,2\n9007199254740992,{_LONG}",
        {"n": [1, 9007199254740992], "m": ["2", _LONG]},
        id="long numbers of CSV",
    ),
    pytest.param(
        "a.csv", "a,a,,\n1,2,3,4", {"a": [1], "a_2": [2], "column_3": [3], "column_4": [4]}, id="names twice or empty"
    ),
    pytest.param("a.csv", "a,b,\nx,y,z", {"a": ["x"], "b": ["y"], "column_3": ["z"]}, id="last name empty"),
    pytest.param("a.csv", "Bank,DE00,,\na,b,c,d\n1,2,3,4", {"a": [1], "d": [4]}, id="padded lines above"),
    pytest.param("a.csv", "a,b\n1,x\0y\n", {"a": [1], "b": ["x\ufffdy"]}, id="a NUL"),
    pytest.param("a.csv", 'a,b\n1,2\n3,"x\n4,5\n', {"a": [1, 3], "b": ["2", "x\n4,5\n"]}, id="an open quote"),
]


@pytest.mark.parametrize(("name", "text", "wanted"), _ODD_TABLES)
def test_an_odd_table_keeps_all_that_it_has(
    run: Run, inbox: Path, name: str, text: str, wanted: Mapping[str, list[Any]]
) -> None:
    (inbox / name).write_text(text)
    document = run([step("file.table", file=f"inbox/{name}", limit=5000)])
    found = output(document)
    assert {column: [row[column] for row in found["rows"]] for column in wanted} == wanted
    assert all(list(row) == found["columns"] for row in found["rows"])
    assert ("A quote in line 3 is not closed" in json.dumps(document["steps"])) == ('"x' in text and name == "a.csv")


_FEWER, _MORE = "fewer than 2 cells", "more than 2 cells"
_JOINED = "A quote that was not closed may have joined several lines."
_DAMAGED = [
    pytest.param("a,b\n1,2\n3,4\n", [], id="sound"),
    pytest.param('a,b\n1,"x ""y"" z"\n3,"x\n4,5"\n5" disk,3\n', [], id="sound quotes"),
    pytest.param("Account\nNote,\n\na,b,,\n1,2\n3,4,,,\n", [], id="lines above, and empty cells at the end"),
    pytest.param("a,b\n1,2\n3\n", [f"1 row has {_FEWER} (line 3): the missing ones are empty."], id="short"),
    pytest.param(
        'a,b\n"1\n",2\n3\n\n4,5\n' + "6\n" * 400,
        [f"401 rows have {_FEWER} (lines 4, 7, 8, 9, 10 and 396 more): the missing ones are empty."],
        id="many short ones",
    ),
    pytest.param(
        "a,b\n1,2\n4,5\n1,2,3\n4,5,6,7\n8\n",
        [
            f"1 row has {_FEWER} (line 6): the missing ones are empty.",
            f"2 rows have {_MORE} (lines 4 and 5): the others are kept in the columns column_3 to column_4.",
        ],
        id="long",
    ),
    pytest.param(
        'a,b\n1,"x\n3,4\n5,"y"\n6,7\n',
        [f"1 row has text after a closing quote (line 2): it is kept in the same cell. {_JOINED}"],
        id="a quote that a later one closes",
    ),
    pytest.param(
        'sep=,\na,b\n1,2\n3,"x\n4,5\n',
        ["A quote in line 4 is not closed: the rest of the file is in one cell."],
        id="an open quote, below a hint for Excel",
    ),
]


@pytest.mark.parametrize(("text", "said"), _DAMAGED)
def test_what_does_not_fit_in_a_table_of_text_is_said(
    run: Run, orchestra: Orchestra, inbox: Path, text: str, said: list[str]
) -> None:
    (inbox / "a.csv").write_text(text)
    document = run(
        [
            step("file.table", file="inbox/a.csv"),
            step("file.text", "text", file="inbox/a.csv", format="markdown"),
        ]
    )
    for_table, for_text = (one.get("note", "") for one in document["steps"])
    assert for_table == " ".join(said)
    assert for_text == re.sub(r" in the columns? [^.]*", "", " ".join(said))
    view = orchestra.files.view(OWNER, "inbox/a.csv").table
    assert view is not None
    assert list(view.notes) == said


def test_a_cell_too_long_to_be_read_is_named_by_the_line_where_it_begins(run: Run, inbox: Path) -> None:
    (inbox / "a.csv").write_text('a,b\n1,2\n3,"x\n' + f"{'4' * 99},5\n" * 100_000)
    failed = run([step("file.table", file="inbox/a.csv")])
    assert (
        "line 3 cannot be read: a cell has more than 10,000,000 characters; a quote may" in failed["error"]["message"]
    )


def test_texts_with_a_nul_are_read_if_their_names_say_that_they_are_texts(run: Run, inbox: Path) -> None:
    mail = "From: ann@a.example\nSubject: Hello\n\nAll the words\0 of a mail.\n"
    for name in ("nul.eml", "nul.txt"):
        (inbox / name).write_text(mail)
    (inbox / "nul.bin").write_text(mail)
    (inbox / "utf16.txt").write_bytes(mail.encode("utf-16-le"))
    document = run(each("file.text", ["nul.eml", "nul.txt"]))
    assert all("All the words" in output(document, f"s{at}")["text"] for at in (0, 1))
    for name in ("nul.bin", "utf16.txt"):
        assert run([step("file.text", file=f"inbox/{name}")])["status"] == "failed", name


_BASE64 = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nQWxsIGl0cyB3b3Jkcw==\n"
_ENCODED = f"From: ann@a.example\nSubject: Hello\nTo: me@a.example\n{_BASE64}"
_RELAYED = "".join(f"Received: from m{at}.example ([192.0.2.1])\n\tby n{at}.example; {'x' * 200}\n" for at in range(60))
_MAILS = {
    "few headers.eml": f"Subject: Hello\n{_BASE64}",
    "few headers.txt": _ENCODED,
    "mailbox.eml": f"From ann@a.example Fri Nov 20 10:00:00 2026\n{_ENCODED}",
    "mark.eml": f"\ufeff{_ENCODED}",
    "blank line.eml": f"\r\n\n{_ENCODED}",
    "returns.eml": _ENCODED.replace("\n", "\r"),
    "relayed.eml": _RELAYED + _ENCODED,
    "relayed.txt": _RELAYED + _ENCODED,
}


def test_a_mail_is_known_by_its_headers_whatever_stands_before_them(run: Run, inbox: Path) -> None:
    for name, mail in _MAILS.items():
        (inbox / name).write_text(mail, newline="")
    document = run(each("file.text", [*_MAILS]))
    found = {name: output(document, f"s{at}")["text"] for at, name in enumerate(_MAILS)}
    assert {name: ("All its words" in text, "Subject: Hello" in text) for name, text in found.items()} == dict.fromkeys(
        _MAILS, (True, True)
    )


@pytest.mark.parametrize("text", ["To: Bob\nDate: today\nSubject: x\nWhere: here\n\nSee you.", "From: a\nTo: b\n\nHi"])
def test_a_text_that_only_begins_like_a_mail_stays_whole(run: Run, inbox: Path, text: str) -> None:
    (inbox / "memo.txt").write_text(text)
    assert output(run([step("file.text", file="inbox/memo.txt")]))["text"].strip() == text


def test_a_mailbox_of_several_mails_is_refused_and_not_cut(run: Run, inbox: Path) -> None:
    one = f"From ann@a.example Fri Nov 20 10:00:00 2026\n{_ENCODED}\n"
    (inbox / "two.eml").write_text(one * 2)
    failed = run([step("file.text", file="inbox/two.eml")])
    assert "a mailbox with several mails" in failed["error"]["message"]


def test_a_table_over_the_limit_is_a_file_that_can_be_read_again(run: Run, inbox: Path) -> None:
    lines = ["no;zip;price"] + [f"{at};{at:05};{at}.5" for at in range(2500)]
    (inbox / "many.csv").write_text("\n".join(lines))
    document = run(
        [
            step("file.table", file="inbox/many.csv", limit=10),
            step("file.table", "again", file="{{ steps.it.output.file }}", limit=5000),
        ]
    )
    found, again = output(document), output(document, "again")
    assert found["row_count"] == again["row_count"] == 2500
    assert found["rows"][1] == {"no": 1, "zip": "00001", "price": 1.5}
    assert again["rows"][:10] == found["rows"]
    assert again["rows"][-1] == {"no": 2499, "zip": "02499", "price": 2499.5}


def test_files_are_known_by_their_content_and_their_properties_are_read(run: Run, inbox: Path) -> None:
    (inbox / "a.pdf").rename(inbox / "scan.txt")
    document = run(
        [
            step("file.detect", file="inbox/scan.txt"),
            step("file.metadata", "slides", file="inbox/a.pptx"),
            step("file.metadata", "picture", file="inbox/a.jpg"),
            step("file.metadata", "place", file="inbox/a.jpg", location=True),
        ]
    )
    assert output(document)["media_type"] == "application/pdf"
    assert output(document, "slides")["properties"] == {"title": "The invoice", "pages": 2}
    assert "location" not in output(document, "picture")["properties"]
    place = output(document, "place")["properties"]
    assert place["location"] == {"latitude": 48.133333, "longitude": 11.575}
    assert (place["width"], place["camera"]) == (60, "Model")


def test_files_are_written_listed_packed_and_unpacked(run: Run, inbox: Path, root: Path) -> None:
    document = run(
        [
            step("file.write", "note", path="out/note.md", text="# Done"),
            step("file.write", "data", path="out/data.json", data={"rows": ROWS}),
            step("file.write", "copy", path="copy.pdf", file="inbox/a.pdf"),
            step("file.list", "found", folder="files", deep=True),
            step("file.archive", "packed", files=["{{ steps.note.output.path }}", "inbox/a.pdf"], name="all.zip"),
            step("file.archive", "unpacked", file="{{ steps.packed.output.file }}", pattern="*.pdf"),
            step("file.write", "last", path="last.pdf", file="{{ steps.unpacked.output.files[0] }}"),
            {"id": "texts", "foreach": "{{ steps.found.output.files }}", "as": "one", "key": "{{ one.path }}",
             "steps": [step("file.text", "text", file="{{ one.path }}")]},
        ]
    )  # fmt: skip
    assert [one["path"] for one in output(document, "found")["files"]] == [
        "files/copy.pdf",
        "files/out/data.json",
        "files/out/note.md",
    ]
    assert (root / "files" / "last.pdf").read_bytes() == (inbox / "a.pdf").read_bytes()
    assert json.loads((root / "files" / "out" / "data.json").read_text())["rows"] == ROWS
    assert not list(root.glob("files/**/*.tmp"))


@pytest.mark.parametrize(
    ("names", "note"),
    [(["../a.txt"], "1 entry was left out."), (["../a.txt", "../b.txt"], "2 entries were left out.")],
)
def test_entries_that_would_leave_the_folder_are_left_out(run: Run, inbox: Path, names: list[str], note: str) -> None:
    with zipfile.ZipFile(inbox / "odd.zip", "w") as archive:
        for name in [*names, "kept.txt"]:
            archive.writestr(name, "text")
    document = run([step("file.archive", "unpacked", file="inbox/odd.zip")])
    assert [one["name"] for one in output(document, "unpacked")["files"]] == ["kept.txt"]
    assert document["steps"][0]["note"] == note


def test_a_file_whose_name_is_no_text_is_left_out_of_a_list_with_a_note(run: Run, inbox: Path) -> None:
    (inbox / "odd").mkdir()
    (inbox / "odd" / "a.txt").touch()
    (inbox / "odd" / os.fsdecode(b"bad\xff.txt")).touch()
    said = r"Left out, as its name is not valid UTF-8: inbox/odd/bad\xff.txt. Rename it."
    for fields, note in (({"deep": True}, said), ({"deep": True, "pattern": "*.pdf"}, None), ({}, None)):
        document = run([step("file.list", "found", folder="inbox", **fields)])
        assert document["steps"][0].get("note") == note


def test_an_archive_of_many_files_says_how_many_are_left_out(run: Run, inbox: Path) -> None:
    with zipfile.ZipFile(inbox / "many.zip", "w") as archive:
        for number in range(260):
            archive.writestr(f"{number}.txt", "text")
    document = run([step("file.archive", "unpacked", file="inbox/many.zip")])
    found = output(document, "unpacked")
    assert (len(found["files"]), len(found["left_out"])) == (200, 50)
    said = "60 entries were left out. Only the first 200 files were unpacked: narrow `pattern` to get the others."
    assert document["steps"][0]["note"] == said


def test_a_dot_before_an_entry_is_no_folder(run: Run, inbox: Path) -> None:
    with zipfile.ZipFile(inbox / "dots.zip", "w") as archive:
        for name in ("./invoice.pdf", "./a/./b.txt", "10:30 report.txt", "a\u202egpj.exe", "./.hidden", "./../up.txt"):
            archive.writestr(name, "text")
    document = run([step("file.archive", "unpacked", file="inbox/dots.zip")])
    found = output(document, "unpacked")
    assert [one["name"] for one in found["files"]] == ["invoice.pdf", "a_b.txt", "10_30 report.txt", "a_gpj.exe"]
    assert found["left_out"] == ["./.hidden", "./../up.txt"]


def test_names_of_utf_8_that_do_not_say_so_are_read(run: Run, inbox: Path) -> None:
    (inbox / "mac.zip").write_bytes(documents.zipped({"Gr\u00fc\u00dfe.txt": "text"}).replace(b"\x00\x08", b"\x00\x00"))
    document = run([step("file.archive", "unpacked", file="inbox/mac.zip")])
    assert [one["name"] for one in output(document, "unpacked")["files"]] == ["Gr\u00fc\u00dfe.txt"]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("shift_jis", "請求書のコピー.txt"),
        ("cp437", "Übersicht größe.txt"),
        ("shift_jis", "表示のまとめ.txt"),
        ("cp437", "Señor café.txt"),
    ],
)
def test_names_of_other_encodings_are_read(run: Run, inbox: Path, encoding: str, name: str) -> None:
    plain = "a" * len(name.encode(encoding))
    packed = documents.zipped({plain: "text"})
    (inbox / "old.zip").write_bytes(packed.replace(plain.encode(), name.encode(encoding)))
    document = run([step("file.archive", "unpacked", file="inbox/old.zip")])
    assert [one["name"] for one in output(document, "unpacked")["files"]] == [name]


def test_a_write_is_undone_if_nobody_has_changed_the_file(run: Run, orchestra: Orchestra, root: Path) -> None:
    document = run([step("file.write", path="a.txt", text="one"), step("file.write", "b", path="b.txt", text="two")])
    (root / "files" / "b.txt").write_text("by a person")
    report = orchestra.runs.undo(OWNER, document["run_id"])
    assert not (root / "files" / "a.txt").exists()
    assert (root / "files" / "b.txt").read_text() == "by a person"
    assert "changed" in str(report)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is read as on Linux")
def test_a_large_file_travels_by_path(run: Run, root: Path) -> None:
    size = 120 * 1024**2
    with (root / "large.bin").open("wb") as file:
        for at in range(120):
            file.write(bytes([at]) * 1024**2)
    run([step("file.detect", file="large.bin")])
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = peak_bytes()
    copied = [
        step("file.read", file="large.bin"),
        step("file.write", "copy", path="b", file="{{ steps.it.output.file }}"),
    ]
    assert output(run(copied), "copy")["size_bytes"] == size
    assert peak_bytes() - before < size // 3


def peak_bytes() -> int:
    """The most memory that this process has held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def test_another_file_is_kept_if_the_step_says_so(run: Run, root: Path) -> None:
    (root / "files").mkdir()
    (root / "files" / "a.txt").write_text("by a person")
    document = run([step("file.write", path="a.txt", text="one", on_exists="fail")])
    assert document["error"]["type"] == "Conflict"
    assert (root / "files" / "a.txt").read_text() == "by a person"


def test_a_plan_shows_the_file_and_writes_nothing(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [step("file.write", path="a.txt", text="one")])
    plan_id = orchestra.plans.make(OWNER, "work", {})
    orchestra.runs.wait(OWNER, plan_id, PATIENCE_SECONDS)
    plan = orchestra.plans.show(OWNER, plan_id)
    preview = plan["writes"][0]["preview"]
    assert preview is not None
    assert preview["title"] == "files/a.txt"
    assert not (root / "files").exists()
    orchestra.runs.wait(OWNER, orchestra.plans.apply(OWNER, plan_id), PATIENCE_SECONDS)
    assert (root / "files" / "a.txt").read_text() == "one"


def test_a_file_keeps_its_name_from_outside_and_replaces_none(run: Run, root: Path) -> None:
    (root / "outside.txt").write_text("mine")
    named = [
        ("invoice.pdf", "one"),
        ("invoice.pdf", "two"),
        ("invoice.pdf", "one"),
        ("../../outside.txt", "three"),
        ("..", "four"),
    ]
    document = run(
        [step("file.write", f"w{at}", path="in/mail", name=name, text=text) for at, (name, text) in enumerate(named)]
    )
    found = [output(document, f"w{at}") for at in range(len(named))]
    assert [Path(one["path"]).name for one in found] == [
        "invoice.pdf", "invoice (2).pdf", "invoice.pdf", "_.._outside.txt", "file.txt",
    ]  # fmt: skip
    assert [one["is_new"] for one in found] == [True, True, False, True, True]
    assert {(root / one["path"]).parent for one in found} == {root / "files" / "in" / "mail"}
    assert [(root / one["path"]).read_text() for one in found] == [text for _, text in named]
    assert (root / "outside.txt").read_text() == "mine"


def test_a_name_from_outside_takes_no_folder_of_others(root: Path, orchestra: Orchestra, run: Run) -> None:
    copied = "{{ steps.read.output.file }}"
    (root / "a").write_bytes(FILES["a.pdf"]())
    document = run(
        [
            step("file.read", "read", file="a"),
            step("file.write", "text", path="files", name="demo", text="one"),
            step("file.write", "year", path="invoices", name="2026", file=copied),
            step("file.write", "book", path="invoices/2026/a.txt", text="two"),
        ]
    )
    found = [output(document, one)["path"] for one in ("text", "year", "book")]
    assert found == ["files/demo.txt", "files/invoices/2026.pdf", "files/invoices/2026/a.txt"]
    assert orchestra.files.add(OWNER, "demo", io.BytesIO(b"x")).path == "files/demo (2)"
    refused = run([step("file.write", path="Demo", text="x")])
    assert "demo runs write in the folder of this name" in str(refused["error"])


@pytest.mark.parametrize("name", ["credentials-form.pdf", "id_rsa_manual.pdf", "environment.env.pdf", "token.json"])
def test_a_file_named_like_a_key_is_saved_but_not_read(root: Path, orchestra: Orchestra, run: Run, name: str) -> None:
    document = run([step("file.write", path="mail", name=name, text="form")])
    saved = root / "files" / "mail" / name
    assert output(document)["path"] == f"files/mail/{name}"
    assert saved.read_text() == "form"
    assert "may hold a key" in str(document["steps"][0]["note"])
    assert run([step("file.read", file=f"files/mail/{name}")])["error"]["type"] == "InvalidRequest"
    assert run([step("file.write", path=f"mail/{name}", text="other")])["error"]["type"] == "InvalidRequest"
    with pytest.raises(InvalidInput, match="may hold a key"):
        orchestra.files.add(OWNER, name, io.BytesIO(b"x"))
    assert len(orchestra.runs.undo(OWNER, document["run_id"]).undone) == 1
    assert not saved.exists()


def test_one_folder_is_one_target_however_it_is_written() -> None:
    spelled = ["box", "box/", "./box", "files/box", "files\\box"]
    fields = [WriteFields(path=path, name="a.txt", text="x") for path in spelled]
    assert {Write().target(one) for one in fields} == {"box"}


OUT = [
    pytest.param("../secret.txt", id="parent"),
    pytest.param("inbox/../../secret.txt", id="parent inside"),
    pytest.param("/etc/passwd", id="absolute"),
    pytest.param("link.txt", id="link"),
    pytest.param("linked/passwd", id="link on the way"),
    pytest.param("inbox/linked.pdf", id="link to a file inside"),
    pytest.param("config.yaml", id="settings"),
    pytest.param("Config.YAML", id="settings in capitals"),
    pytest.param(".orchestra/state.db", id="state"),
    pytest.param(".env", id="hidden"),
    pytest.param("logs/x.json", id="logs"),
    pytest.param("keys/server.key", id="key"),
    pytest.param("sign-in.json", id="sign-in that the settings name"),
    pytest.param("pipe", id="pipe"),
    pytest.param("inbox", id="folder"),
    pytest.param("inbox\\..\\..\\secret.txt", id="backslashes"),
]


@pytest.mark.parametrize("path", OUT)
@pytest.mark.parametrize("way", ["read", "write"])
def test_no_path_leads_out_or_to_what_belongs_to_the_program(
    orchestra: Orchestra, root: Path, inbox: Path, path: str, way: str
) -> None:
    (root.parent / "secret.txt").write_text("secret")
    for name in (".env", "sign-in.json", "logs/x.json"):
        (root / name).write_text("secret")
    (root / "keys").mkdir()
    (root / "keys" / "server.key").write_text("secret")
    output_folder = root / "files"
    output_folder.mkdir()
    for folder in (root, output_folder):
        (folder / "link.txt").symlink_to(root.parent / "secret.txt")
        (folder / "linked").symlink_to("/etc")
        os.mkfifo(folder / "pipe")
    (inbox / "linked.pdf").symlink_to(inbox / "a.pdf")
    with (root / "config.yaml").open("a") as config:
        config.write("  gmail:\n    service: gmail\n    token_file: sign-in.json\n")
    kept = [one for one in root.parent.rglob("*") if one.is_file() and not {".orchestra", "logs"} & {*one.parts}]
    before = {one: one.read_bytes() for one in kept}
    client: Any = orchestra._families.opened.accounts.open(
        None, "file", orchestra._families.opened.modes.of("x")
    ).client
    steps = {
        "read": step("file.read", file="{{ inputs.path }}"),
        "write": step("file.write", path="{{ inputs.path }}", text="x"),
    }
    if way == "write" and path in ("inbox", "inbox/linked.pdf", "logs/x.json", "config.yaml", "Config.YAML",
                                   "sign-in.json"):  # fmt: skip
        assert client.place(path)[0] == "files"  # a new file in the folder for such
        return
    inputs = {"type": "object", "properties": {"path": {"type": "string"}}}
    write_workflow(root, "work", [steps[way]], inputs=inputs)
    run_id = orchestra.runs.start(OWNER, "work", {"path": path})
    document = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert document["status"] == "failed"
    error: Any = document["error"]
    assert error["type"] in ("InvalidRequest", "Unavailable"), error
    assert "secret" not in json.dumps(document["steps"][0].get("output") or {})
    assert {one: one.read_bytes() for one in before} == before


FROM_OUTSIDE = [
    pytest.param("{{ steps.page.output.text }}", True, id="text"),
    pytest.param("inbox/{{ steps.page.output.text }}", True, id="part of a path"),
    pytest.param("{{ steps.found.output.files[0].name }}", True, id="name of a file"),
    pytest.param("{{ steps.found.output.files[0].path + '' }}", True, id="changed path"),
    pytest.param("{{ steps.found.output.files[0].path }}", False, id="path that was found"),
    pytest.param("{{ steps.page.output.file }}", False, id="file of the run"),
    pytest.param("{{ steps.model.output.path }}", True, id="answer of a model that calls itself a path"),
]


@pytest.mark.parametrize(("path", "is_refused"), FROM_OUTSIDE)
def test_text_from_outside_decides_no_path(orchestra: Orchestra, root: Path, path: str, is_refused: bool) -> None:
    with (root / "config.yaml").open("a") as config:
        config.write("  ai:\n    service: openai\n    base_url: http://127.0.0.1:9/v1\n    model: m\n")
    schema = {"type": "object", "properties": {"path": {"type": "string", "format": "workspace-file"}}}
    steps = [
        {"id": "page", "uses": "http.request", "connection": "web", "with": {"url": "http://127.0.0.1:9/"}},
        step("file.list", "found"),
        {"id": "model", "uses": "llm.extract",
         "with": {"messages": [{"role": "user", "content": "{{ steps.page.output.text }}"}], "schema": schema}},
        step("file.text", file=path),
    ]  # fmt: skip
    steps = steps if "model" in path else [steps[0], steps[1], steps[3]]
    text = json.dumps({"schema_version": 1, "title": "work", "steps": steps})
    codes = {one.code for one in orchestra.workflows.check(OWNER, "work", text)}
    assert ("outside_destination" in codes) is is_refused, codes


def test_the_files_of_a_mail_are_unpacked_also_those_of_mails_in_it(run: Run, inbox: Path) -> None:
    inner = EmailMessage()
    inner["Subject"] = "Invoice: 17/2"
    inner.set_content("Please pay.")
    inner.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="../.invoice.pdf")
    outer = EmailMessage()
    outer["From"] = "ann@example.org"
    outer["Subject"] = "FYI"
    outer.set_content("See below.")
    outer.add_attachment(inner)
    (inbox / "saved.eml").write_bytes(outer.as_bytes())
    document = run(
        [
            step("file.archive", "unpacked", file="inbox/saved.eml"),
            step("file.archive", "pdf", file="inbox/saved.eml", pattern="*.pdf"),
            step("file.text", "inner", file="{{ steps.unpacked.output.files[0] }}"),
        ]
    )
    found = output(document, "unpacked")
    assert [file["name"] for file in found["files"]] == ["Invoice_ 17_2.eml", "_._.invoice.pdf"]
    assert found["left_out"] == []
    assert [file["bytes"] for file in output(document, "pdf")["files"]] == [4]
    assert "Please pay." in output(document, "inner")["text"]
