"""Which answers of an earlier run are taken again: only those to the very same question."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.base.step_path import StepPath
from engine.compiler.definition.plan import Action, Node
from engine.connections.accounts import Account
from engine.plugins.registry import step_type
from engine.record.frames import Frame, LoopTurn
from engine.record.previous_run import EarlierRun, place_in, place_of
from engine.runner.execution.earlier_answers import EarlierAnswer, EarlierAnswers
from engine.store.blobs.disk import DiskBlobs

_PROMPT = {"version": 1, "messages": [{"role": "user", "content": ["Sort."]}]}
_ASKED = {"prompt": "sort@production", "variables": {"text": "Hello"}}


def _step(**more: Any) -> dict[str, Any]:
    step = {
        "path": "each[2].sort",
        "key": None,
        "uses": "llm.extract",
        "connection": "llm",
        "status": "succeeded",
        "arguments": _ASKED,
        "request": {"model": "small"},
        "output": {"kind": "bug"},
        "effect": None,
    }
    return {**step, **more}


def _answer(
    logs: Path,
    step: dict[str, Any],
    *,
    arguments: dict[str, Any] | None = None,
    prompt: Any = None,
    mode: str = "demo",
    key: str = "b",
) -> EarlierAnswer | None:
    """Ask at `each[0].sort` for the item with a key what an earlier run answered at `each[2].sort` for item b."""
    item = {**_step(path="each[2]", key="b", uses=None)}
    run: Any = {
        "run_id": "20260501T080000Z-aaaaaaaa",
        "demo": True,
        "definition": {"prompts": {"sort@production": _PROMPT}},
        "accounts": {"llm": {"service": "openai", "mode": "demo"}},
        "steps": [item, step],
    }
    action = Action("llm.extract", step_type("llm.extract"), "llm", {}, None, None)
    node = Node("sort", "each.sort", "Sort", condition=True, needs=None, action=action)
    account = Account("llm", "openai", mode, None, None)  # type: ignore[arg-type]
    frame = Frame({"steps": {}}, path=StepPath.parse("each[0]"), turns=(LoopTurn(0, key),))
    answers = EarlierAnswers(EarlierRun(run, DiskBlobs(logs)), {"sort@production": prompt or _PROMPT})
    return answers.answer(node, frame, arguments or _ASKED, account)


def test_the_same_question_for_the_same_item_has_its_answer(tmp_path: Path) -> None:
    assert _answer(tmp_path, _step()) == EarlierAnswer({"kind": "bug"}, {"model": "small"})


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda logs: _answer(logs, _step(), arguments={**_ASKED, "variables": {}}), id="other fields"),
        pytest.param(
            lambda logs: _answer(logs, _step(), prompt={**_PROMPT, "version": 2}), id="another prompt version"
        ),
        pytest.param(lambda logs: _answer(logs, _step(), mode="mine"), id="another account"),
        pytest.param(lambda logs: _answer(logs, _step(), key="a"), id="another item"),
        pytest.param(lambda logs: _answer(logs, _step(uses="llm.chat")), id="another type"),
        pytest.param(lambda logs: _answer(logs, _step(connection="other")), id="another connection"),
        pytest.param(lambda logs: _answer(logs, _step(status="failed", output=None)), id="no answer"),
        pytest.param(lambda logs: _answer(logs, _step(effect={"outcome": "done"})), id="a write"),
    ],
)
def test_another_question_has_none(tmp_path: Path, ask: Callable[[Path], EarlierAnswer | None]) -> None:
    assert ask(tmp_path) is None


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param("read", ("read",), id="a step"),
        pytest.param("group.read", ("group.read",), id="in a group"),
        pytest.param("each[1].read", ("each.read", "k"), id="in a loop with keys"),
        pytest.param("plain[1].read", ("plain.read", "1"), id="in a loop without"),
        pytest.param("each[1].in[0].read", ("each.in.read", "k", "x"), id="in a loop in a loop"),
        pytest.param("each[1]", ("each[]k",), id="an item"),
        pytest.param("each[1].in[0]", ("each.in[]x", "k"), id="an item of an inner loop"),
    ],
)
def test_a_place_is_the_same_wherever_an_item_stands_in_its_list(path: str, place: tuple[str, ...]) -> None:
    assert place_of(path, {"each[1]": "k", "each[1].in[0]": "x"}) == place


def test_a_step_at_work_has_the_place_that_its_entry_has_later() -> None:
    frame = Frame({"steps": {}}, path=StepPath.parse("each[1]"), turns=(LoopTurn(1, "k"),))
    assert place_in(frame, "each.read") == place_of("each[1].read", {"each[1]": "k"})
    unkeyed = Frame({"steps": {}}, path=StepPath.parse("each[1]"), turns=(LoopTurn(1, None),))
    assert place_in(unkeyed, "each.read") == place_of("each[1].read", {"each[1]": "1"})
