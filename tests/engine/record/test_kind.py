"""The kind of a run, for every combination of options that the product makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.record.types.kind import kind_of
from engine.record.types.run import RunKind, RunOptions

_TERMS: RunOptions = {"plan": {"settings": {}}}
_CORRECTED: RunOptions = {"corrects": {"run": "r", "step": "a", "values": {}, "by": "ada"}, "from_run": "r", "pins": {}}
_PINS: RunOptions = {"pins": {"a": 1}}
_ONLY: RunOptions = {"only": "a"}
_FROM: RunOptions = {**_ONLY, "from_run": "r"}

_MADE_ONCE: dict[RunKind, list[RunOptions]] = {
    RunKind.PLAN: [_TERMS, {**_TERMS, "check": "r"}],
    RunKind.APPLY: [{"apply": {"plan": "r", "root": "r"}}],
    RunKind.DEBUG: [{"debug": {"breakpoints": [], "draft": True}}],
    RunKind.REPLAY: [{"plays": {"$file": "run.json"}}],
}
_MADE_AGAIN: dict[RunKind, list[RunOptions]] = {
    RunKind.RUN: [{}],
    RunKind.PART: [_PINS, _ONLY, {**_ONLY, **_PINS}, _FROM, {**_FROM, **_PINS}, {**_FROM, "outdated": ["b"]}],
    RunKind.TRIAL: [{"made_up": {}}, {**_ONLY, "made_up": {}}, {**_ONLY, **_PINS, "made_up": {"each": [1]}}],
    RunKind.CORRECTION: [_CORRECTED, {**_CORRECTED, **_ONLY}, {**_CORRECTED, "outdated": ["b"]}],
}
"""What a rerun keeps; it adds what becomes of earlier writes and answers."""
_ABOUT_WRITES: list[RunOptions] = [{}, {"receipts": "update"}, {"receipts": "force"}]
_ABOUT_ANSWERS: list[RunOptions] = [{}, {"replay": "r"}]
_RERUNS: list[RunOptions] = [{**writes, **answers} for writes in _ABOUT_WRITES for answers in _ABOUT_ANSWERS]


def _made() -> Iterator[Any]:
    for kind, options in [*_MADE_ONCE.items(), *_MADE_AGAIN.items()]:
        for base in options:
            for more in _RERUNS if kind in _MADE_AGAIN else [RunOptions()]:
                together: RunOptions = {**base, **more}
                yield pytest.param(together, kind, id=f"{kind}: {'+'.join(together) or 'no options'}")


@pytest.mark.parametrize(("options", "kind"), list(_made()))
def test_options_say_what_kind_of_run_it_is(options: RunOptions, kind: RunKind) -> None:
    assert kind_of(options) is kind


def test_the_table_has_all_kinds_and_all_options() -> None:
    assert {*_MADE_ONCE, *_MADE_AGAIN} == {*RunKind}
    together = [base for options in [*_MADE_ONCE.values(), *_MADE_AGAIN.values(), _RERUNS] for base in options]
    assert {name for options in together for name in options} == {*RunOptions.__annotations__}


@pytest.mark.parametrize(
    ("kind", "is_test", "writes_nothing"),
    [
        (RunKind.RUN, False, False),
        (RunKind.PLAN, False, True),
        (RunKind.APPLY, False, False),
        (RunKind.PART, True, False),
        (RunKind.TRIAL, True, True),
        (RunKind.DEBUG, True, False),
        (RunKind.REPLAY, True, True),
        (RunKind.CORRECTION, False, False),
    ],
)
def test_a_kind_says_what_its_writes_do_and_whether_it_is_a_test(
    kind: RunKind, is_test: bool, writes_nothing: bool
) -> None:
    assert (kind.is_test, kind.writes_nothing) == (is_test, writes_nothing)
