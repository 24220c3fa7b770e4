"""The registry of step types: what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine.steps
from engine.plugins.registry import STEPS, step_type, step_types, trigger_types
from engine.plugins.step import StepType
from engine.plugins.trigger import TriggerType

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


IDS_ONLY = {
    "gmail": "an address of Gmail has the id of a mail or a conversation, and nothing else",
    "outlook": "Outlook makes the address of a mail (`webLink`) from its id",
}
"""Services whose addresses hold no text of others, and why."""


@pytest.mark.parametrize("kind", [*step_types().values(), *trigger_types().values()], ids=lambda one: one.name)
def test_an_address_in_an_output_is_text_from_outside_unless_it_has_only_ids(kind: StepType | TriggerType) -> None:
    model = kind.output if isinstance(kind, StepType) else kind.item
    if model is None or kind.service in IDS_ONLY:
        return
    schema = model.model_json_schema(mode="serialization")
    for part in [schema, *schema.get("$defs", {}).values()]:
        for name, one in part.get("properties", {}).items():
            if name == "url" or name.endswith(("_url", "link")) or one.get("format") == "uri":
                assert one.get("outside") is True, f"{kind.name}: {part.get('title')}.{name}"
