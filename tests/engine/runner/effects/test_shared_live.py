"""Answers of models that one process follows while another one works on the run."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from engine.runner.effects import shared_live
from engine.runner.effects.live import StepAnswers
from engine.runner.effects.shared_live import SharedLive
from engine.store.broadcasts import Broadcast
from engine.store.postgres.database import PostgresStateDatabase
from tests import postgres
from tests.patience import until


class MemoryBroadcast:
    """The port in memory: each channel of a list hears what any of them tells."""

    def __init__(self, others: list[MemoryBroadcast]) -> None:
        self._others, self._texts = others, queue.SimpleQueue[str]()
        others.append(self)

    def tell(self, texts: Sequence[str]) -> None:
        for one in self._others:
            for text in texts:
                one._texts.put(text)

    def heard(self, seconds: float) -> list[str]:
        try:
            return [self._texts.get(timeout=seconds)]
        except queue.Empty:
            return []

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(params=["memory", "postgres"])
def channels(request: pytest.FixtureRequest) -> Iterator[list[Broadcast]]:
    """The channels of two processes."""
    if request.param == "memory":
        all_: list[MemoryBroadcast] = []
        yield [MemoryBroadcast(all_), MemoryBroadcast(all_)]
        return
    with (
        postgres.schema() as url,
        closing(PostgresStateDatabase(url)) as one,
        closing(PostgresStateDatabase(url)) as other,
    ):
        yield [one.broadcast(), other.broadcast()]


def test_what_is_told_is_heard_by_all_in_order(channels: list[Broadcast]) -> None:
    assert [one.heard(0.01) for one in channels] == [[], []]  # from now on both listen
    told = ["first", '{"text": "ü"}', "x" * 7_900]
    channels[0].tell(told)
    for one in channels:
        found: list[str] = []
        while len(found) < len(told):
            found += one.heard(5)
        assert found == told
        one.close()


@pytest.mark.slow
def test_an_answer_is_followed_from_another_process(channels: list[Broadcast], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_live, "_ASK_SECONDS", 0.2)
    with closing(SharedLive(channels[0], "a")) as here, closing(SharedLive(channels[1], "b")) as there:
        watch = StepAnswers(there, "run", "step")
        take = watch.attempt()
        take("Fïrst \N{GRINNING FACE} ")
        until(lambda: here.of("run") == {"step": "Fïrst \N{GRINNING FACE} "})  # told from its beginning
        long = "\x00\N{GRINNING FACE}" * 4_000
        take(long)
        until(lambda: here.of("run")["step"] == f"Fïrst \N{GRINNING FACE} {long}")
        watch.attempt()("Again")
        until(lambda: here.of("run") == {"step": "Again"})
        assert here.of("other") == {}
        watch.close()
        until(lambda: here.of("run") == {})


@pytest.mark.slow
def test_what_is_lost_is_a_gap_and_nothing_is_told_while_nobody_watches() -> None:
    channels: list[MemoryBroadcast] = []
    told = MemoryBroadcast(channels)
    with closing(SharedLive(MemoryBroadcast(channels), "a")) as here:
        until(lambda: here.of("run") == {})
        piece = '{"from": "b", "is": "text", "run": "run", "path": "step", "at": %d, "to": %d, "text": "%s"}'
        told.tell([piece % (0, 3, "abc"), piece % (9, 12, "xyz"), "no JSON", "{}"])
        until(lambda: here.of("run") == {"step": "abc … xyz"})
    with closing(SharedLive(MemoryBroadcast(channels), "c")) as alone:
        StepAnswers(alone, "another", "step").attempt()("words")
        assert not any('"another"' in text for text in told.heard(0.3))
