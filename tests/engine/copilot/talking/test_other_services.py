"""Turns with Anthropic and Gemini, by their SDKs over HTTP: good answers, bad ones, and what their servers keep."""

from __future__ import annotations

import json

import pytest

from engine.budgets.prices import Prices
from tests.engine.copilot.talking.conftest import Opened
from tests.engine.copilot.talking.test_talking import DONE, RETRY, WRONG, kinds, proposals, propose
from tests.patience import until
from tests.scripted_model.scripted import MODEL, Answer

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("service", ["anthropic", "gemini"])]


def test_a_change_is_proposed_and_told_in_pieces(talking: Opened, service: str) -> None:
    talk = talking([propose(RETRY, text="I add more attempts."), DONE], service=service)
    turn, feed = talk.start("Try the issue five times.")
    until(lambda: feed.is_over, "the end of the turn")
    turn = talk.turn(turn.id)
    assert (turn.status, turn.problem, kinds(turn.parts)) == ("done", "", ["text", "proposal", "text"])
    pieces = [data["text"] for name, data in feed.events if name == "text"]
    assert "".join(pieces[:5]).startswith("I add more attempts.")
    assert [one.is_acceptable for one in proposals(talk)] == [True]
    assert turn.usage.input_tokens == sum(one[0] for one in talk.model.usages)
    assert turn.usage.cached_tokens == sum(one[1] for one in talk.model.usages) > 9_000


def test_what_does_not_compile_is_mended_or_given_up(talking: Opened, service: str) -> None:
    talk = talking([propose(WRONG), propose(RETRY), DONE, propose(WRONG)], service=service)
    turn = talk.ask("Try the issue five times.")
    assert (turn.status, turn.repairs) == ("done", 1)
    assert "subjct" in json.dumps(talk.model.requests[1])
    never = talk.ask("Once more.")
    assert never.status == "limited"
    assert "the same is wrong again" in never.problem


@pytest.mark.parametrize("answer", [Answer("This ends in the middle", is_cut=True), Answer(status=429)])
def test_a_server_that_breaks_off_or_refuses_fails_the_turn(talking: Opened, service: str, answer: Answer) -> None:
    talk = talking([answer, DONE], service=service)
    turn = talk.ask("Try the issue five times.")
    assert turn.status == "failed"
    assert turn.problem
    assert talk.ask("Again.").status == "done"


def test_the_beginning_is_marked_for_the_cache_and_cheaper_once_it_is_there(talking: Opened, service: str) -> None:
    talk = talking([DONE], service=service)
    talk.ask("Hello.")
    body = talk.model.requests[0]
    if service == "anthropic":
        [block] = body["system"]
        assert block["cache_control"] == {"type": "ephemeral"}
        assert "AI-Orchestra" in block["text"]
    url = "https://api.anthropic.com" if service == "anthropic" else "https://generativelanguage.googleapis.com"
    name = "claude-sonnet-4-5" if service == "anthropic" else "gemini-2.5-flash"
    prices = Prices({}, "llm", url)
    whole, kept = prices.cost((name,), 10_000, 0), prices.cost((name,), 10_000, 0, (9_000, 0))
    assert whole is not None
    assert kept is not None
    assert kept < whole / 2
    assert body.get("model", MODEL) == MODEL
