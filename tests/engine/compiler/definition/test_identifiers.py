"""Ids of steps: which a new step gets on the canvas (`idFor` in frontend/studio/src/gestures.ts)."""

from __future__ import annotations

import re

from engine.compiler.definition.identifiers import LONGEST, RESERVED_IDS, step_id_fault
from engine.plugins.registry import step_types


def test_each_step_type_has_a_valid_id_for_a_new_step() -> None:
    faults = {name: step_id_fault(_first_free(name)) for name in step_types()}
    assert {name: fault for name, fault in faults.items() if fault} == {}


def _first_free(uses: str) -> str:
    plain = re.sub(r"^[^a-z]+", "", re.sub(r"[^a-z0-9_]+", "_", uses.rpartition(".")[2].lower()))[: LONGEST - 4]
    return f"{plain}_2" if plain in RESERVED_IDS else plain
