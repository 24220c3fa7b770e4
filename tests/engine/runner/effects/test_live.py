"""Answers seen while they come: from the model's first piece until the answer is recorded, and by nobody's mercy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.runner.effects.live import Live, StepAnswers
from tests.engine.conftest import OWNER, write_workflow
from tests.engine.writer import Writer, writing
from tests.patience import PATIENCE_SECONDS, until
from tests.workspaces import init

ASK = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def writer() -> Iterator[Writer]:
    with writing() as running:
        yield running


@pytest.fixture
def open_workspace(tmp_path: Path, writer: Writer) -> Iterator[Callable[..., Orchestra]]:
    opened: list[Orchestra] = []
    root = tmp_path / "workspace"
    init(root)
    (root / "config.yaml").write_text(json.dumps({"connections": {"llm": writer.connection}}))
    (root / ".env").write_text("WRITER_KEY=sk-very-secret\n")
    write_workflow(
        root,
        "write",
        [{"id": "said", "uses": "llm.chat", "with": ASK}],
        outputs={"text": "{{ steps.said.output.text }}"},
    )

    def start(*, serve: bool) -> Orchestra:
        orchestra = Orchestra.open(root, serve=serve)
        opened.append(orchestra)
        if serve:
            orchestra.connections.set_mode(OWNER, "openai", AccountMode.MINE)
        return orchestra

    yield start
    for orchestra in opened:
        orchestra.close()


def test_what_a_model_writes_is_seen_until_it_is_recorded(
    open_workspace: Callable[..., Orchestra], writer: Writer
) -> None:
    orchestra = open_workspace(serve=True)
    run_id = orchestra.runs.start(OWNER, "write", {})
    assert until(lambda: orchestra.runs.live(OWNER, run_id)) == {"said": "First "}
    assert orchestra.runs.get(OWNER, run_id)["outputs"] is None, "what is seen is not recorded yet"
    writer.may_end.set()
    run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["outputs"] == {"text": "First second"}
    assert orchestra.runs.live(OWNER, run_id) == {}


def test_a_run_that_is_cancelled_leaves_nothing_to_see(
    open_workspace: Callable[..., Orchestra], writer: Writer
) -> None:
    orchestra = open_workspace(serve=True)
    run_id = orchestra.runs.start(OWNER, "write", {})
    until(lambda: orchestra.runs.live(OWNER, run_id))
    orchestra.runs.cancel(OWNER, run_id)
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "cancelled")
    writer.may_end.set()
    assert orchestra.runs.live(OWNER, run_id) == {}


def test_where_nobody_can_look_each_word_is_heard_and_none_is_kept(
    open_workspace: Callable[..., Orchestra], writer: Writer
) -> None:
    orchestra = open_workspace(serve=False)
    writer.may_end.set()
    run_id = orchestra.runs.start(OWNER, "write", {})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["outputs"] == {"text": "First second"}
    assert writer.streams == [True], "a server on this machine may be slow, and be silent only while it hangs"
    assert orchestra.runs.live(OWNER, run_id) == {}


def test_an_attempt_takes_the_place_of_the_one_before() -> None:
    live = Live()
    watch = StepAnswers(live, "run", "step")
    first, second = watch.attempt(), watch.attempt()
    assert live.of("run") == {}
    first("One")
    second("Two")
    first(" late")
    assert live.of("run") == {"step": "Two"}
    watch.close()
    assert live.of("run") == {}


def test_a_thread_that_is_late_shows_nothing_any_more() -> None:
    live = Live()
    watch = StepAnswers(live, "run", "step")
    take = watch.attempt()
    watch.close()
    take("Too late")
    assert live.of("run") == {}


def test_an_endless_answer_takes_bounded_memory() -> None:
    live = Live()
    take = StepAnswers(live, "run", "step").attempt()
    for _ in range(1000):
        take("x" * 1000)
    assert len(live.of("run")["step"]) <= 51_000


def test_an_answer_that_begins_while_its_step_ends_is_not_left_there() -> None:
    class Late(Live):
        def show(self, run_id: str, path: str, answer: Any) -> None:
            watch.close()  # the step has run out of time just now
            super().show(run_id, path, answer)

    live = Late()
    watch = StepAnswers(live, "run", "said")
    watch.attempt()("Hello")
    assert live.of("run") == {}
