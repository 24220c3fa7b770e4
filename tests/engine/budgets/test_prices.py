"""What a call of a model costs, and how long its answer can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from engine.budgets.prices import Prices, is_local
from engine.budgets.settings import Price, PriceTable
from engine.documents.shapes import faults

OPENAI, OLLAMA = "https://api.openai.com/v1", "http://127.0.0.1:11434/v1"
LISTED = 400_000_000 + 1_600_000_000
"""Nano-USD of a million tokens in and out of gpt-4.1-mini, by the list."""


def prices(
    table: Mapping[str, Any], connection: str = "llm", address: str = OPENAI, *, is_demo: bool = False
) -> Prices:
    whole = {name: {"output": 0, **price} if isinstance(price, dict) else price for name, price in table.items()}
    read: Any = TypeAdapter(PriceTable).validate_python(whole)
    return Prices(read, connection, address, is_demo)


@pytest.mark.parametrize(
    ("table", "model", "address", "cost"),
    [
        pytest.param({}, "gpt-4.1-mini", OPENAI, LISTED, id="by the list"),
        pytest.param({}, "gpt-4.1-mini", OLLAMA, None, id="the same model elsewhere"),
        pytest.param({}, "no-such-model", OPENAI, None, id="unknown"),
        pytest.param({}, "", "", None, id="nothing"),
        pytest.param({"gpt-4.1-mini": {"input": 1}}, "gpt-4.1-mini", OPENAI, 1_000_000_000, id="override beats list"),
        pytest.param({"gpt-4.1-mini": 0}, "gpt-4.1-mini", OPENAI, 0, id="declared free"),
        pytest.param(
            {"m": {"input": 1}, "m@llm": {"input": 2}}, "m", OPENAI, 2_000_000_000, id="of the connection beats of all"
        ),
        pytest.param({"m@other": {"input": 2}}, "m", OPENAI, None, id="of another connection"),
        pytest.param({"local": 0}, "llama3.2", OLLAMA, 0, id="local"),
        pytest.param({"local": 0}, "gpt-4.1-mini", OPENAI, LISTED, id="local says nothing of others"),
        pytest.param({"local": 0, "m": {"input": 3}}, "m", OLLAMA, 3_000_000_000, id="a name beats local"),
        pytest.param({"unknown": {"input": 5, "output": 15}}, "m", OPENAI, 20_000_000_000, id="unknown"),
        pytest.param({"unknown": {"input": 5}}, "gpt-4.1-mini", OPENAI, LISTED, id="the list beats unknown"),
        pytest.param({"unknown": {"input": 5}, "local": 0}, "m", OLLAMA, 0, id="local beats unknown"),
    ],
)
def test_what_a_call_costs(table: Mapping[str, Any], model: str, address: str, cost: int | None) -> None:
    assert prices(table, address=address).cost((model,), 1_000_000, 1_000_000) == cost


def test_the_stand_in_costs_nothing_whatever_its_model_costs_elsewhere() -> None:
    assert prices({"m": {"input": 9}}, is_demo=True).cost(("m",), 1_000_000, 1_000_000) == 0


def test_the_name_that_was_asked_counts_before_the_one_that_answered() -> None:
    table = {"mini": {"input": 1}, "mini-2026-01-01": {"input": 2}}
    assert prices(table).cost(("mini", "mini-2026-01-01"), 1_000_000, 0) == 1_000_000_000
    assert prices({"mini-2026-01-01": {"input": 2}}).cost(("mini", "mini-2026-01-01"), 1_000_000, 0) == 2_000_000_000


@pytest.mark.parametrize(
    ("table", "model", "tokens"),
    [
        pytest.param({}, "gpt-4.1-mini", 131_072, id="the longest of any model"),
        pytest.param({}, "gpt-4o", 128_000, id="what the model reads at once"),
        pytest.param({}, "no-such-model", 131_072, id="unknown"),
        pytest.param({"m": {"input": 1, "max_output_tokens": 500}}, "m", 500, id="declared"),
        pytest.param({"unknown": {"input": 1, "max_output_tokens": 700}}, "m", 700, id="declared for unknown ones"),
    ],
)
def test_how_long_an_answer_can_be(table: Mapping[str, Any], model: str, tokens: int) -> None:
    assert prices(table).longest_answer(model) == tokens


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://[::1]:1234/v1", True),
        ("http://localhost:8000", True),
        ("http://192.168.1.4:11434/v1", False),
        ("https://api.openai.com/v1", False),
        ("", False),
    ],
)
def test_local_is_what_a_loopback_address_says(address: str, local: bool) -> None:
    assert is_local(address) is local


@pytest.mark.parametrize("missing", ["input", "output"])
def test_a_price_that_says_half_is_refused(missing: str) -> None:
    """Half a price would count the other half as free, and a budget in dollars would miss it."""
    price = {name: 1 for name in ("input", "output") if name != missing}
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(PriceTable).validate_python({"m": price})
    [fault] = faults(caught.value, Price, price)
    assert (fault.message, fault.code) == (f"The key {missing!r} is missing.", "missing_key")
