"""What kind of run a run is, as its options say."""

from __future__ import annotations

from collections.abc import Container
from types import MappingProxyType

from engine.record.types.run import RunKind, RunOptions, RunStart

_BY_OPTION = MappingProxyType(
    {
        "plan": RunKind.PLAN,
        "apply": RunKind.APPLY,
        "debug": RunKind.DEBUG,
        "plays": RunKind.REPLAY,
        "corrects": RunKind.CORRECTION,  # before those that say which part it executes
        "made_up": RunKind.TRIAL,
        "only": RunKind.PART,
        "pins": RunKind.PART,
    }
)
"""The kind of a run with an option, unless an earlier one decides."""


def kind_of(options: Container[str]) -> RunKind:
    """Return what kind of run has these options."""
    return next((kind for name, kind in _BY_OPTION.items() if name in options), RunKind.RUN)


def options_of(run: RunStart) -> RunOptions:
    """Return the options of a run; {} for one from before there were options."""
    return run.get("options") or {}
