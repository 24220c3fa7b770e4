"""What is said of a value that may be missing where it is used."""

from __future__ import annotations

from dataclasses import dataclass

from engine.compiler.facts import FAILED, SKIPPED, path_of, step_of
from engine.expressions.syntax import Node


@dataclass(frozen=True)
class Alarm:
    """A value that may be missing where it is used: `path` leads to it, `whole` is all that was selected from it."""

    offset: int
    step: str
    path: Node
    whole: Node
    ends: frozenset[str]
    """How the step may have ended, as far as is known at this place."""


def written(node: Node) -> str:
    """Return a path as its author wrote it."""
    if node.kind == "ident":
        return node.name.split("@")[0]
    if node.kind in ("select", "has", "optional"):
        return f"{written(node.parts[0])}.{node.name}"
    if node.name == "_[_]" and node.parts[1].kind == "constant":
        return f"{written(node.parts[0])}[{node.parts[1].value[1]!r}]"
    return "…"


def alarm_words(alarm: Alarm) -> tuple[str, str]:
    """Return (message, remedy) for a value that may be missing."""
    path, whole = written(alarm.path), written(path_of(alarm.whole))
    remedy = f"Ask has({path}) first, in 'if' or with '? :', or write default({whole}, …)."
    step = step_of(alarm.path.parts[0])
    if step is not None and alarm.path.name == "error":
        return _error_words(step, alarm.ends), remedy
    name = step or alarm.step
    lacks = "has no 'output'" if step else f"is not in {written(alarm.path.parts[0])}"
    if alarm.ends == {SKIPPED}:
        return f"Step {name!r} never runs: it {lacks}.", remedy
    if FAILED not in alarm.ends:
        return f"Step {name!r} may have been skipped; then it {lacks}.", remedy
    if SKIPPED in alarm.ends:
        return f"Step {name!r} may have been skipped or have failed; then it {lacks}.", remedy
    return f"Step {name!r} may have failed ('on_error' lets the run go on); then it {lacks}.", remedy


def _error_words(step: str, ends: frozenset[str]) -> str:
    if FAILED in ends:
        return f"Step {step!r} has an 'error' only where it has failed."
    return f"Step {step!r} never has an 'error' here: the run ends when it fails."
