"""The gate before the areas: its table is complete."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.assembly.gate_rules import GATED, NOT_GATED
from engine.orchestra import Orchestra, _Area
from tests.workspaces import init


def methods_of_a_person(area: Any) -> Iterator[str]:
    """Yield the names of the public methods whose first parameter is who acts."""
    for name, found in inspect.getmembers(type(area), inspect.isfunction):
        if not name.startswith("_") and [*inspect.signature(found).parameters][1:2] == ["p"]:
            yield name


def test_every_method_that_a_person_can_call_has_a_rule(tmp_path: Path) -> None:
    areas = {name for name, found in vars(Orchestra).items() if isinstance(found, _Area)}
    assert areas == GATED.keys() | NOT_GATED
    init(tmp_path)
    orchestra = Orchestra.open(tmp_path, demo=True)
    try:
        parts = {name: orchestra._families.workflows and getattr(orchestra, name) for name in GATED}
        copilot = parts.pop("copilot")
        parts.update({f"copilot.{name}": getattr(copilot, name) for name in GATED["copilot"]})
        for name, guarded in parts.items():
            area = getattr(guarded, "_area", None)
            every: Mapping[str, Any] = GATED
            rules = every["copilot"][name.partition(".")[2]] if "." in name else every[name]
            if area is not None:
                assert set(methods_of_a_person(area)) == set(rules), name
            else:
                assert inspect.ismethod(getattr(guarded, "__wrapped__", None)), name
    finally:
        orchestra.close()
