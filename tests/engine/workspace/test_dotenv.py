"""`.env`: read strictly, changed line by line, readable by its owner only."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidFile, InvalidInput
from engine.workspace.dotenv import changed, parse_dotenv, read_dotenv, write_dotenv


def test_a_line_that_is_no_setting_is_named() -> None:
    with pytest.raises(InvalidFile) as caught:
        parse_dotenv("A=1\nthis is nonsense = \n\nB='open\n")
    assert [problem.line for problem in caught.value.problems] == [2, 4]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=40))
def test_what_is_written_is_read_back(value: str) -> None:
    assert parse_dotenv(changed("A=1\n", {"KEY": value})) == {"A": "1", "KEY": value}


def test_other_lines_comments_and_blank_lines_stay() -> None:
    text = "# mine\nA=1 # one\n\nexport KEY=old\n\nB=2\nKEY=older"
    assert changed(text, {"KEY": "new", "C": "3"}) == "# mine\nA=1 # one\n\nKEY='new'\n\nB=2\nC='3'\n"


def test_a_value_of_two_lines_is_refused() -> None:
    with pytest.raises(InvalidInput, match="more than one line"):
        changed("", {"KEY": "a\nb"})


def test_only_the_owner_can_read_it_afterwards(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o644)
    write_dotenv(path, {"KEY": "secret"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_dotenv(path) == {"A": "1", "KEY": "secret"}
    path.unlink()
    write_dotenv(path, {"KEY": "secret"})
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_file_is_no_variable(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path / ".env") == {}
