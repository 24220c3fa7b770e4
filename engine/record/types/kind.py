"""What kind of run a run is, as its options say."""

from __future__ import annotations

from collections.abc import Container
from enum import StrEnum
from types import MappingProxyType

from engine.record.types.run import RunOptions, RunStart


class RunKind(StrEnum):
    """What a run is for: which of its steps really run, where their values come from, and what its writes do.

    An undo is not among them: it belongs to the run whose writes it undoes.
    """

    RUN = "run"
    """Executes its workflow and writes; a rerun, too, whatever it does about earlier answers and writes."""
    PLAN = "plan"
    """Reads and asks as a run would, and only shows its writes; it can be applied."""
    APPLY = "apply"
    """Executes a plan: it takes the answers of the plan, and makes the writes that the plan shows and no others."""
    PART = "part"
    """Executes one step, or a workflow some of whose outputs are pinned, and writes."""
    TRIAL = "trial"
    """Executes one step with values that a person has made up, and the runs which that calls; only shows its writes."""
    DEBUG = "debug"
    """Executes its workflow on the stand-ins, and pauses before steps."""
    REPLAY = "replay"
    """Ends each step as the run in a file did; it calls no service."""
    CORRECTION = "correction"
    """Goes on from the answer of a model that a person has corrected, and writes."""

    @property
    def is_test(self) -> bool:
        """Whether it is a test run: no basis for what its workflow does, costs or needs."""
        return self in _TESTS

    @property
    def writes_nothing(self) -> bool:
        """Whether a write only shows what it would do."""
        return self in _WITHOUT_WRITES


_TESTS = frozenset({RunKind.PART, RunKind.TRIAL, RunKind.DEBUG, RunKind.REPLAY})
_WITHOUT_WRITES = frozenset({RunKind.PLAN, RunKind.TRIAL, RunKind.REPLAY})

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
