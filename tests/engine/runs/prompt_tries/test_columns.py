"""What the text of a column means, and what the column is called."""

from __future__ import annotations

import pytest

from engine.base.errors import InvalidInput
from engine.runs.prompt_tries.columns import TriedColumn, parsed
from engine.runs.prompt_tries.try_requests import TryRequest

WRITTEN = [
    ("staging", TriedColumn("staging"), "staging"),
    ("7:gpt-4o", TriedColumn("7", model="gpt-4o"), "version 7 · gpt-4o"),
    ("draft:llama3:8b", TriedColumn(is_draft=True, model="llama3:8b"), "draft · llama3:8b"),
    ("draft@local", TriedColumn(is_draft=True, connection="local"), "draft · local"),
    ("7:a/b:free@other", TriedColumn("7", model="a/b:free", connection="other"), "version 7 · a/b:free · other"),
    ("7:model@2026@", TriedColumn("7", model="model@2026"), "version 7 · model@2026"),
]


@pytest.mark.parametrize(("written", "column", "title"), WRITTEN, ids=[row[0] for row in WRITTEN])
def test_a_column_is_written_as_text_model_and_connection(written: str, column: TriedColumn, title: str) -> None:
    assert parsed(written) == column
    assert (column.title, column.written) == (title, written)


@pytest.mark.parametrize("written", ["", ":gpt-4o", "7:", "Staging", "0", "7 8", "../7"])
def test_a_column_that_means_nothing_is_refused_with_the_form(written: str) -> None:
    with pytest.raises(InvalidInput, match=r"The column .*"):
        parsed(written)


def test_a_column_asks_its_own_text_and_model_with_the_values_of_the_request() -> None:
    values = TryRequest(is_draft=True, sample="One", connection="openai", model="small")
    assert values.asked_in(TriedColumn("7")) == TryRequest("7", sample="One", connection="openai", model="small")
    given = TriedColumn(text="{}", connection="other", model="large")
    assert values.asked_in(given) == TryRequest(text="{}", sample="One", connection="other", model="large")
