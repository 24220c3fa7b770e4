"""`.env`: read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.base.errors import InvalidFile
from engine.workspace.dotenv import parse_dotenv, read_dotenv


def test_a_line_that_is_no_setting_is_named() -> None:
    with pytest.raises(InvalidFile) as caught:
        parse_dotenv("A=1\nthis is nonsense = \n\nB='open\n")
    assert [problem.line for problem in caught.value.problems] == [2, 4]


def test_no_file_is_no_variable(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path / ".env") == {}
