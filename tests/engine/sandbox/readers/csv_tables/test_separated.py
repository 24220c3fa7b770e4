"""Tables of text: which row is the head, which columns are numbers, and what is said of what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.sandbox.readers.reading import answered, lists, refused
from tests.few import rare

_COMMAS = "name,city\nMüller, Hans,Berlin\nMeier, Eva,Bonn\nSchulz, Udo,Kiel"
_KEPT = "are kept in the column column_3."
_HEADS = [
    pytest.param(_COMMAS, ["name", "city", "column_3"], [], 3, _KEPT, id="commas in cells"),
    pytest.param("mpg,cyl\nMazda,21,6\nDatsun,22.8,4", ["mpg", "cyl", "column_3"], [], 2, _KEPT, id="names of rows"),
    pytest.param("\n\na,b\n1,2,3\n4,5,6", ["a", "b", "column_3"], [], 2, "(lines 4 and 5)", id="below empty lines"),
    pytest.param("a,b\nx,y,z", ["a", "b", "column_3"], [], 1, _KEPT, id="one row"),
    pytest.param("price\n1,5\n2,5\n7", ["price", "column_2"], [], 3, "more than 1 cell", id="decimal commas"),
    pytest.param("Members\nname,city\nAnn,Rome\nBob,Oslo", ["name", "city"], ["Members"], 2, "", id="a title"),
    pytest.param("Account,DE00\nday,text,sum\n1,a,2\n3,b,4", ["day", "text", "sum"], ["Account DE00"], 2, "",
                 id="a line above"),
    pytest.param("Account,x\n\nday,text,sum\na,a,b\nc,b,d", ["day", "text", "sum"], ["Account x"], 2, "",
                 id="a line apart"),
    pytest.param("a,b,c\n1,2,3\n4,5", ["a", "b", "c"], [], 2, "fewer than 3 cells (line 3)", id="a short row"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "columns", "above", "count", "note"), _HEADS)
def test_the_head_of_a_table_of_text(
    tmp_path: Path, text: str, columns: list[str], above: list[str], count: int, note: str
) -> None:
    found = answered(tmp_path, "a.csv", text)
    assert (found["columns"], found["preamble"], found["row_count"]) == (columns, above, count)
    assert note in " ".join(found["notes"])
    assert bool(note) == bool(found["notes"])


def test_the_first_row_is_the_head_if_the_step_says_so(tmp_path: Path) -> None:
    for text in ("Members\nname,city\nAnn,Rome\nBob,Oslo", "\n1,2\nname,city,zip\na,b,c\n"):
        found = answered(tmp_path, "a.csv", text, header=True)
        assert found["columns"][0] == text.split()[0].split(",")[0]
        assert found["preamble"] == []
        assert found["row_count"] == len(text.split()) - 1
        assert "are kept in the column column_" in found["notes"][0]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (["01067", "10115", "80331"], ["01067", "10115", "80331"]),
        (["x", "1", "2"], ["x", "1", "2"]),
        (["n/a", "1.5"], ["n/a", "1.5"]),
        (["", "1", "", "2"], [None, 1, None, 2]),
        (["1", "2.50", "3.0"], [1, 2.5, 3]),
        (["1", "2", "x"], ["1", "2", "x"]),
        (["1.9", "1.10", "1.1"], ["1.9", "1.10", "1.1"]),
        (["2", "2.0", "2.00", "2.50", "0", "-0.0"], [2, 2, 2, 2.5, 0, 0]),
        (["2.50", "2.50"], [2.5, 2.5]),
        (["1234567890.123456789", "1.5"], ["1234567890.123456789", "1.5"]),
        (["12.345678901234567", "0.000000000000001"], [12.345678901234567, 1e-15]),
    ],
)
@pytest.mark.parametrize("above", ["", "Report\nof today\n\n"])
def test_a_column_is_numbers_if_all_of_its_cells_are(
    tmp_path: Path, column: list[str], values: list[Any], above: str
) -> None:
    text = above + "id,it\n" + "".join(f"a{at},{cell}\n" for at, cell in enumerate(column))
    found = answered(tmp_path, "a.csv", text)
    assert [row["it"] for row in found["rows"]] == values
    assert [type(row["it"]) for row in found["rows"]] == list(map(type, values))
    plain = answered(tmp_path, "a.csv", text, typed=False)
    assert [row["it"] or "" for row in plain["rows"]] == column


def test_the_first_thousand_rows_decide_and_the_head_is_none_of_them(tmp_path: Path) -> None:
    for at, value in ((999, "1"), (1000, 1)):
        cells = ["1"] * 1100
        cells[at] = "x"
        found = answered(tmp_path, "a.csv", "a,b\n" + "".join(f"{cell},y\n" for cell in cells))
        assert (found["rows"][0]["a"], found["rows"][at]["a"]) == (value, "x")


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\r\n\n", b"\xef\xbb\xbf\n", b"\xff\xfe", b",,\n,,\n",
                                     b"\n\n \n", b" \n\t\n \n", b" , \n"])  # fmt: skip
def test_a_file_without_a_cell_is_empty(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, "a.csv", content) == "It is empty."
    assert refused(tmp_path, "a.csv", content, "text", form="markdown") == "It is empty."


def test_a_later_number_that_would_lose_digits_is_a_text(tmp_path: Path) -> None:
    found = answered(tmp_path, "a.csv", "a,b\n" + "1.5,x\n" * 1000 + "1234567890.123456789,x\n")
    assert (found["rows"][0]["a"], found["rows"][-1]["a"]) == (1.5, "1234567890.123456789")


def test_all_lines_above_are_in_the_answer(tmp_path: Path) -> None:
    above = "".join(f"Line {at}\n" for at in range(60))
    found = answered(tmp_path, "a.csv", f"{above}a,b,c\n" + "1,2,3\n" * 100)
    assert (found["preamble"], found["columns"]) == (above.splitlines(), ["a", "b", "c"])
    assert found["notes"] == []


@pytest.mark.parametrize("places", [[1], [2], [60], [198], [199], [250], [3, 60, 150], [190, 198]], ids=str)
@pytest.mark.parametrize("header", [None, False])
def test_a_list_with_a_comma_here_and_there_is_one_column(
    tmp_path: Path, places: list[int], header: bool | None
) -> None:
    lines = ["review", *(f"no {at}, really" if at in places else f"no {at}" for at in range(1, 300))]
    found = answered(tmp_path, "a.csv", "\n".join(lines), header=header)
    name = "review" if header is None else "column_1"
    assert (found["columns"], found["preamble"]) == ([name, "column_2"], [])
    assert [row[name] for row in found["rows"]] == [line.partition(",")[0] for line in lines[header is None :]]
    assert "more than 1 cell" in found["notes"][0]


def test_a_short_list_with_a_comma_is_one_column(tmp_path: Path) -> None:
    assert lists(answered(tmp_path, "a.csv", "review\ngood, really\nbad")) == [["good", " really"], ["bad", None]]


@pytest.mark.parametrize(
    ("text", "columns", "above"),
    [
        pytest.param(
            "Contacts 2024\n\nName,Email\nAnna,a@x.org\nBob,\nCy,\nDora,\nEve,\nFay,f@x.org",
            ["Name", "Email"],
            ["Contacts 2024"],
            id="a column that is nearly empty",
        ),
        pytest.param("Report\nPeriod: May\nname,amount", ["name", "amount"], ["Report", "Period: May"], id="no rows"),
        pytest.param(
            "Sales\nname,amount\nNorth\nA,1\nSouth\nB,2\nEast\nC,3\nWest", ["name", "amount"], ["Sales"], id="groups"
        ),
    ],
)
def test_a_table_below_a_title_is_no_list(tmp_path: Path, text: str, columns: list[str], above: list[str]) -> None:
    found = answered(tmp_path, "a.csv", text)
    assert (found["columns"], found["preamble"]) == (columns, above)


def test_a_head_below_lines_is_found_without_rows_below_it(tmp_path: Path) -> None:
    found = answered(tmp_path, "a.csv", "Report\nof today\n\nday,text,sum\n")
    assert (found["columns"], found["preamble"], found["rows"]) == (["day", "text", "sum"], ["Report", "of today"], [])


def test_a_head_below_many_empty_lines_is_found(tmp_path: Path) -> None:
    found = answered(tmp_path, "a.csv", "\n" * 300 + "a,b\n1,2\n3\n")
    assert (found["columns"], lists(found)) == (["a", "b"], [[1, 2], [3, None]])
    assert "line 303" in found["notes"][0]


def test_a_first_row_longer_than_the_text_is_cut_and_not_taken_for_nothing(tmp_path: Path) -> None:
    found = answered(tmp_path, "a.csv", "name," * 100 + "\n1,2\n", "text", form="markdown", most=100)
    assert (found["text"].startswith("| name | name"), found["truncated"]) == (True, True)
    assert found["left_out"].startswith("1 row,")


@pytest.mark.parametrize(("rows", "said"), [(1_500, "1,001 rows"), rare(1_200_000, "more than 1,000,000 rows")])
def test_the_rows_that_are_left_out_are_counted(tmp_path: Path, rows: int, said: str) -> None:
    assert answered(tmp_path, "a.csv", "n\n" + "1\n" * rows, "text", form="markdown")["left_out"] == said


def test_a_name_of_spaces_is_none(tmp_path: Path) -> None:
    assert answered(tmp_path, "a.csv", " ,b,c\n1,2,3\n")["columns"] == ["column_1", "b", "c"]


@pytest.mark.parametrize(
    ("content", "columns", "rows"),
    [
        pytest.param(
            "a,b,c\n1,2\n1,2,3,4\n",
            ["a", "b", "c", "column_4"],
            [[1, 2, None, None], [1, 2, 3, 4]],
            id="each row of another width",
        ),
        pytest.param("a,b\n1,2,3\n", ["a", "b", "column_3"], [[1, 2, 3]], id="one longer row"),
        pytest.param("name\nBold, Ann\nHill, Bob\n", ["name"], [["Bold, Ann"], ["Hill, Bob"]], id="commas in names"),
        pytest.param("Full name\nBold, Ann\n", ["Full name"], [["Bold, Ann"]], id="a name of two words"),
        pytest.param("price\n1,50\n2,75 €\n", ["price"], [["1,50"], ["2,75 €"]], id="commas in numbers"),
        pytest.param("Report\nname,city\nAnn,Berlin\n", ["name", "city"], [["Ann", "Berlin"]], id="a title"),
        pytest.param("name;rate\na;0,5\nb;12,75\n", ["name", "rate"], [["a", "0,5"], ["b", "12,75"]], id="semicolons"),
        pytest.param(
            "a, b;c, d\n1,5;2,5\n-1,5;2,5 €\n",
            ["a, b", "c, d"],
            [["1,5", "2,5"], ["-1,5", "2,5 €"]],
            id="semicolons between decimal commas",
        ),
        pytest.param(
            "2026-11-01;4,50\n2026-11-02;5,50\n",
            ["column_1", "column_2"],
            [["2026-11-01", "4,50"], ["2026-11-02", "5,50"]],
            id="dates in the first row",
        ),
        pytest.param(
            "Ann,ann@a.example\nBob,bob@b.example\n",
            ["column_1", "column_2"],
            [["Ann", "ann@a.example"], ["Bob", "bob@b.example"]],
            id="addresses in the first row",
        ),
        pytest.param(
            "who,1.11.2026,2.11.2026\nAnn,3,4\n",
            ["who", "1.11.2026", "2.11.2026"],
            [["Ann", 3, 4]],
            id="dates as names",
        ),
        pytest.param("a,b\n1;2,3;4\n5;6,7;8\n", ["a", "b"], [["1;2", "3;4"], ["5;6", "7;8"]], id="semicolons in cells"),
    ],
)
def test_no_row_is_lost_to_a_guessed_head(
    tmp_path: Path, content: str, columns: list[str], rows: list[list[Any]]
) -> None:
    found = answered(tmp_path, "a.csv", content)
    assert (found["columns"], lists(found)) == (columns, rows)


@pytest.mark.parametrize(
    ("content", "is_told"),
    [
        ('a;b;c\n1;"x;u\n2;y;u\n3;z";u\n4;q;u\n', True),
        ('a;b\n1;"x\n2;y\n3;y\n3;z"\n4;q\n', True),
        ('id,address\n1,"12 Main St\nBerlin, Germany\nParis, France\nEurope"\n2,x\n', False),
        ('id,address\n1,"Main St\nBerlin\nGermany\nEurope"\n2,x\n', False),
    ],
)
def test_rows_that_a_quote_swallows_are_told(tmp_path: Path, content: str, is_told: bool) -> None:
    note = "1 row has lines in a quoted cell that look like rows (line 2): a quote may not be closed."
    assert answered(tmp_path, "a.csv", content)["notes"] == ([note] if is_told else [])


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        pytest.param("Region,2026,\n,Q1,Q2\nN,1,2\nS,3,4\n", ["Region", "2026 Q1", "2026 Q2"], id="one group"),
        pytest.param("r,A,,B,\n,x,y,x,y\nN,1,2,3,4.5\n", ["r", "A x", "A y", "B x", "B y"], id="two groups"),
        pytest.param("r,A,,\n,x,y,z\nN,1,2,3\nS,4,,5\n", ["r", "A x", "A y", "A z"], id="more gaps than names"),
        pytest.param("name,note,\n,x,y\nN,a,b\n", ["name", "note", "column_3"], id="texts below"),
        pytest.param("name,sum,\n,1,2\nN,3,4\n", ["name", "sum", "column_3"], id="a row of numbers"),
        pytest.param("name,sum,\nTotal,x,y\nN,3,4\n", ["name", "sum", "column_3"], id="a name of its own"),
    ],
)
def test_a_head_over_two_rows_of_text_is_one_where_nothing_else_can_be_meant(
    tmp_path: Path, content: str, columns: list[str]
) -> None:
    found = answered(tmp_path, "a.csv", content)
    assert (found["columns"], found["notes"]) == (columns, [])
