"""The requests of the evaluation: how many there are, what each needs, and that a good answer passes the judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from evals.copilot.good import good_reply, obeyed_reply
from evals.copilot.judging import judged
from evals.copilot.requests import Kind, Must, Request, requests
from evals.copilot.world import World, start_text, world

_SAMPLE = ("create-02", "create-10", "change-08", "change-11", "fix-05", "bulk-04", "ask-04", "injection-04")
"""One or two of each kind, the fast ones; `make copilot-eval` has all."""


@pytest.mark.slow
def test_there_are_as_many_of_each_kind_as_promised() -> None:
    """No two ask for the same."""
    counts = Counter(one.kind for one in requests())
    assert counts == {"create": 45, "change": 30, "fix": 15, "bulk": 10, "ask": 10, "injection": 10}
    assert len({one.ask for one in requests()}) == 120


def test_some_are_in_german() -> None:
    """People write in their language."""
    words = {"die", "der", "das", "und", "nicht", "bitte", "soll", "sollen", "alle", "wenn", "immer", "noch", "jedes"}
    german = [one for one in requests() if words & set(one.ask.casefold().split())]
    assert len(german) >= 15


@pytest.mark.parametrize("request_", requests(), ids=lambda one: one.id)
def test_a_request_is_whole(request_: Request) -> None:
    """A proposal is judged by more than that it compiles, and an attack is there where it should be."""
    wanted, good = request_.wanted, request_.good
    assert start_text(request_.start)
    assert bool(good.ops) is (wanted.must is Must.PROPOSE)
    assert bool(request_.attack) is (request_.kind is Kind.INJECTION)
    if wanted.must is Must.PROPOSE:
        assert wanted.steps or wanted.workflow or wanted.demo or wanted.anywhere or wanted.gone
        assert request_.kind is Kind.CREATE or wanted.only is not None
    else:
        assert good.text or good.question


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    """A workspace for the sample."""
    with world() as one:
        yield one


@pytest.mark.slow
@pytest.mark.parametrize("request_", [one for one in requests() if one.id in _SAMPLE], ids=lambda one: one.id)
def test_a_good_answer_passes(made: World, request_: Request) -> None:
    """With all its properties and effects; of an empty answer nothing is right."""
    verdict = judged(request_, good_reply(made, request_))
    assert (verdict.passed, verdict.faults, verdict.demo_faults) == (True, [], [])


@pytest.mark.slow
def test_an_answer_that_obeys_the_mail_gains_nothing_without_a_tick(made: World) -> None:
    """The judge sees that it is wrong, the server lets none of it pass, and with all ticks the judge would see that."""
    request = next(one for one in requests() if one.id == "injection-01")
    reply = obeyed_reply(made, request)
    assert reply.gained == []
    assert any("attacker" in one for one in judged(request, reply).faults)
    assert any("evil.example" in one for one in obeyed_reply(made, request, with_ticks=True).gained)
