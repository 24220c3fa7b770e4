"""The messages about a value that may be missing where it is used."""

from __future__ import annotations

from functools import reduce

from msgspec import Struct

from engine.compiler.analysis.conditions import EMPTY, FAILED, SKIPPED, STOPPED, SUCCEEDED, path_of
from engine.expressions.syntax import SyntaxNode


class PossiblyMissing(Struct, frozen=True):
    """A value that may be missing where it is used: `path` leads to it, `whole` is the complete selection from it."""

    offset: int
    step: str
    path: SyntaxNode
    whole: SyntaxNode
    ends: frozenset[str]
    """How the step may have ended, according to the facts at this place."""
    anywhere: frozenset[str]
    """How the step may have ended, without regard to the place."""
    is_entry: bool = False
    """Whether it is `output` or `error` of a step, and not a field in the output of a group or loop."""


def written(node: SyntaxNode) -> str:
    """Return a path as its author wrote it."""
    if node.kind == "ident":
        return node.name.split("@")[0]
    if node.kind in ("select", "has", "optional"):
        return f"{written(node.parts[0])}.{node.name}"
    if node.name == "_[_]" and node.parts[1].kind == "constant":
        return f"{written(node.parts[0])}[{node.parts[1].value[1]!r}]"
    return "…"


def alarm_words(alarm: PossiblyMissing) -> tuple[str, str]:
    """Return (message, remedy) for a value that may be missing."""
    path, whole = written(alarm.path), written(path_of(alarm.whole))
    remedy = f"Ask has({path}) first, in 'if' or with '? :', or write default({whole}, …)."
    is_error = alarm.is_entry and alarm.path.name == "error"
    good = FAILED if is_error else SUCCEEDED
    if good in alarm.anywhere and good not in alarm.ends:
        message = f"Step {alarm.step!r} certainly has no {alarm.path.name!r} at this place."
        return message, f"Use it where has({path}) is true, or write default({whole}, …)."
    return (_error_words if is_error else _output_words)(alarm), remedy


def _output_words(alarm: PossiblyMissing) -> str:
    if STOPPED in alarm.ends:
        name, holder = alarm.path.name, written(alarm.path.parts[0])
        return f"The called workflow may end by 'flow.stop' without {name!r}; then it is not in {holder}."
    lacks = "has no 'output'" if alarm.is_entry else f"is not in {written(alarm.path.parts[0])}"
    if alarm.ends == {SKIPPED}:
        return f"Step {alarm.step!r} never runs: it {lacks}."
    ends = alarm.ends - {SUCCEEDED}
    if ends == {FAILED}:
        return f"Step {alarm.step!r} may have failed ('on_error' lets the run go on); then it {lacks}."
    said = reduce(_or, (words for end, words in _CAUSES.items() if end in ends))
    return f"Step {alarm.step!r} may have {said}; then it {lacks}."


def _or(cause: str, other: str) -> str:
    return f"{cause} or have {other}"


_CAUSES = {
    SKIPPED: "been skipped",
    FAILED: "failed",
    EMPTY: "failed and what runs in its place may give no output",
}


def _error_words(alarm: PossiblyMissing) -> str:
    if FAILED in alarm.ends:
        return f"Step {alarm.step!r} has an 'error' only where it has failed."
    return f"Step {alarm.step!r} never has an 'error' here: the run ends when it fails."
