"""The registry of step types: what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine.steps
from engine.plugins.registry import STEPS, step_type

_TYPE = """
from engine.plugins.step import Call, Effect, Fields, Repeat, StepType


class Ring(StepType):
    name = "bell.ring"
    title = "Ring the bell"
    fields = Fields
    {declaration}

    def call(self, call: Call) -> dict[str, str]:
        return {{}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another folder of step types."""
    with monkeypatch.context() as patch:
        patch.setattr(engine.steps, "__path__", [*engine.steps.__path__, str(tmp_path)])
        STEPS.forget()
        yield tmp_path
        sys.modules.pop("engine.steps.bell", None)
    STEPS.forget()


@pytest.mark.parametrize(
    "declaration",
    [
        pytest.param("effect, repeat = Effect.WRITES, Repeat.SAFE", id="writes"),
        pytest.param("effect = Effect.READS", id="reads"),
        pytest.param("def effect_of(self, arguments): return Effect.WRITES, Repeat.SAFE", id="depends on the fields"),
    ],
)
def test_a_step_type_with_an_effect_needs_a_service(folder: Path, declaration: str) -> None:
    (folder / "bell.py").write_text(_TYPE.format(declaration=declaration))
    with pytest.raises(TypeError, match=r"'bell\.ring' has an effect but no service"):
        step_type("bell.ring")


@pytest.mark.parametrize("declaration", ["effect = Effect.PURE", 'service, effect = "github", Effect.READS'])
def test_a_step_type_without_an_effect_or_with_a_service_is_found(folder: Path, declaration: str) -> None:
    (folder / "bell.py").write_text(_TYPE.format(declaration=declaration))
    assert step_type("bell.ring").title == "Ring the bell"
