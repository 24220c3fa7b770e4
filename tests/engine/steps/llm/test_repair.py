"""Repairing data with a model: only what does not fit is asked about, and only what fits comes back."""

from __future__ import annotations

import pytest

from clients.errors import BadAnswer, InvalidRequest
from engine.plugins.registry import step_types
from tests.engine.steps.llm.test_extract import Server, call_of

SCHEMA = {"type": "object", "properties": {"cents": {"type": "integer"}}, "required": ["cents"]}


def repair(server: Server, data: object) -> object:
    kind = step_types()["llm.repair"]
    return kind.call(call_of(server, kind.fields.model_validate({"data": data, "schema": SCHEMA})))


def test_data_that_fits_costs_nothing() -> None:
    server = Server()
    assert repair(server, {"cents": 5}) == {"cents": 5}
    assert server.asked == []


def test_the_model_sees_the_data_and_what_is_wrong_with_it() -> None:
    server = Server('{"cents": 250}')
    assert repair(server, {"cents": "2.50"}) == {"cents": 250}
    system, user = server.asked[0]["messages"]
    assert "cents: '2.50' is not of type 'integer'." in system["content"]
    assert user == {"role": "user", "content": '{"cents":"2.50"}'}


def test_an_answer_that_still_does_not_fit_is_an_error() -> None:
    with pytest.raises(BadAnswer):
        repair(Server('{"cents": "?"}', '{"cents": null}'), {"cents": "2.50"})


def test_too_much_data_is_refused_before_it_is_sent() -> None:
    server = Server()
    with pytest.raises(InvalidRequest, match="at most 100,000"):
        repair(server, {"cents": "x" * 200_000})
    assert server.asked == []
