"""What happened in a run, in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from engine.compiler.schemas import CALL
from engine.errors import OrchestraError
from engine.registry import step_type
from engine.runs.document import is_item
from engine.runs.nouns import many, noun, plural
from engine.step import Effect, Repeat

_ENDINGS = {
    "queued": "Not started yet",
    "running": "Running",
    "waiting": "Waiting",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted",
    "failed": "Failed",
    "succeeded": "Done",
}

Step = Mapping[str, Any]


@dataclass(frozen=True)
class _Write:
    """One writing step of a loop: how often it wrote, for each item that succeeded."""

    step_id: str
    uses: str
    is_only_one: bool
    """Whether no other step of the workflow does the same."""
    done: Counter[str] = field(default_factory=Counter)

    @property
    def makes(self) -> bool:
        """Tell whether it makes a thing, which it does not where doing it twice is the same as once."""
        try:
            return step_type(self.uses).repeat is not Repeat.SAFE
        except OrchestraError:
            return True

    @property
    def done_word(self) -> str:
        """What has happened to a thing it was done to: "labelled"."""
        try:
            return step_type(self.uses).done or noun(self.step_id, "changed")
        except OrchestraError:
            return noun(self.step_id, "changed")

    @property
    def word(self) -> str:
        """What one of them is called: "task" where a thing was made, else what was done to one: "labelled"."""
        if self.makes:
            return noun(self.step_id, "write")
        # Of two steps that do the same ("label", "unsure") only the id says which.
        return self.done_word if self.is_only_one else noun(self.step_id, self.done_word)


def sentence(run: Mapping[str, Any]) -> str:
    """Return e.g. "25 mails: 9 tasks, 6 issues, 9 only labelled, 1 failed." for a run document."""
    options = run.get("options") or {}
    if "only" in options:
        return _test_sentence(run, options["only"])
    loop = next((step for step in run["steps"] if "items" in step and "." not in step["path"]), None)
    parts = [_loop_sentence(run, loop) if loop is not None else _plain_sentence(run)]
    if loop is not None and _failed_outside(run, loop):
        parts.append(f"Failed: {run['error']['message']}")
    if any(step["effect"] and step["effect"]["reused"] for step in run["steps"]):
        parts.append(_reused_sentence(run["steps"], loop))
    broken_off = sum(bool(step["effect"]) and step["status"] == "cancelled" for step in run["steps"])
    if broken_off:
        were = "was" if broken_off == 1 else "were"
        parts.append(f"{many(broken_off, 'write')} on the way {were} made all the same.")
    parts += _undone_sentence([step["effect"] for step in run["steps"] if step["effect"]])
    if "pins" in options:
        pinned = sum(bool(step.get("pinned")) for step in run["steps"])
        parts.append(f"{many(pinned, 'output')} pinned.")
    return " ".join(parts)


def _test_sentence(run: Mapping[str, Any], only: str) -> str:
    """Tell how it went with the one step that a test run is about."""
    if run["status"] == "failed" and run["error"]:
        return f"Test of {only} failed: {run['error']['message']}"
    return f"Test of {only}: {_ENDINGS[run['status']].lower()}."


def _failed_outside(run: Mapping[str, Any], loop: Step) -> bool:
    """Tell whether the run failed for another reason than the items of the loop."""
    step = str((run["error"] or {}).get("step") or "")
    return run["status"] == "failed" and step != loop["path"] and not step.startswith(f"{loop['path']}[")


def _plain_sentence(run: Mapping[str, Any]) -> str:
    if run["status"] == "failed" and run["error"]:
        return f"Failed: {run['error']['message']}"
    done = sum(step["status"] == "succeeded" for step in run["steps"])
    amber = run["counts"]["failed_steps"]
    return f"{_ENDINGS[run['status']]}: {many(done, 'step')} done" + (f", {amber} failed." if amber else ".")


# --- loops


def _loop_sentence(run: Mapping[str, Any], loop: Step) -> str:
    """Tell the items: those that failed or are not finished only as such, the others by what was written for them."""
    word = noun(loop["noun"], "item")
    items = [step for step in run["steps"] if is_item(step) and step["path"].rsplit("[", 1)[0] == loop["path"]]
    if not items:
        return f"No {plural(word)}: nothing to do."
    good = {item["path"] for item in items if item["status"] == "succeeded"}
    failed = sum(item["status"] == "failed" for item in items)
    left_out = sum(item["status"] == "skipped" for item in items)
    still_open = len(items) - len(good) - failed - left_out
    parts = list(_written(good, _writes(run, good), may_write=_may_write(run, loop)))
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{still_open} not finished"] if still_open else []
    parts += [f"{left_out} left out"] if left_out else []
    return f"{many(len(items), word)}: {', '.join(parts)}."


def _writes(run: Mapping[str, Any], good: AbstractSet[str]) -> list[_Write]:
    """Return the writes in the items of a loop that succeeded, in file order; inner loops write several times."""
    every = _each(run["definition"]["workflow"].get("steps", []))
    steps = {str(one.get("id")): one.get("uses") for one in every}
    alike = Counter(steps.values())
    found: dict[str, _Write] = {}
    for step in run["steps"]:
        item, bracket, _ = step["path"].partition("].")
        if step["effect"] and bracket and f"{item}]" in good:
            write = found.setdefault(step["id"], _Write(step["id"], str(step["uses"]), alike[step["uses"]] < 2))
            write.done[f"{item}]"] += 1
    order = {step_id: position for position, step_id in enumerate(steps)}
    return sorted(found.values(), key=lambda write: order.get(write.step_id, len(order)))


def _each(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Give every step of a workflow, with those inside groups and fallbacks."""
    for step in steps:
        yield step
        yield from _each(step.get("steps") or [])
        fallback = step.get("on_error")
        yield from _each(fallback["steps"] if isinstance(fallback, Mapping) else [])


def _may_write(run: Mapping[str, Any], loop: Step) -> bool:
    """Tell whether the items of a loop were to be written about; what a called workflow does is told by its own run."""
    steps = run["definition"]["workflow"].get("steps", [])
    inside = [one for one in steps if one.get("id") == loop["path"]]
    return any(map(_writes_directly, _each(inside))) and not any(one.get("uses") == CALL for one in _each(inside))


def _writes_directly(step: Mapping[str, Any]) -> bool:
    try:
        return step_type(str(step.get("uses"))).effect_of(step.get("with") or {})[0] is Effect.WRITES
    except OrchestraError:
        return False


def _written(good: AbstractSet[str], writes: Sequence[_Write], *, may_write: bool) -> Iterator[str]:
    """Tell what was made, and what not every item got; then the items for which that says nothing."""
    told = [write for write in writes if write.makes or not good <= write.done.keys()]
    yield from _counted(told)
    left = good - {path for write in told for path in write.done}
    if not left:
        return
    words = [write.done_word for write in writes if write not in told]
    if words:
        yield f"{len(left)} {'only ' if told else ''}{' and '.join(dict.fromkeys(words))}"
    elif may_write:
        yield f"{len(left)} left as {'it was' if len(left) == 1 else 'they were'}"
    else:
        yield f"{len(left)} {'more ' if told else ''}done"


def _counted(writes: Sequence[_Write]) -> Iterator[str]:
    """Tell how many of each word, in order: "9 tasks", "2 labelled"; steps with one word count together."""
    counts: dict[tuple[str, bool], Counter[str]] = {}
    for write in writes:
        known = counts.get((write.word, write.makes), Counter())
        # Two things are two; what was done to one thing twice was done to it.
        counts[write.word, write.makes] = known + write.done if write.makes else known | write.done
    for (word, is_thing), done in counts.items():
        yield many(done.total(), word) if is_thing else f"{done.total()} {word}"


# --- what was there already


def _reused_sentence(steps: Sequence[Step], loop: Step | None) -> str:
    """Tell items (without a loop: writes) by what their effects are; each counts once."""
    differing = _places(steps, loop, lambda effect: "note" in effect)
    new = _places(steps, loop, lambda effect: not effect["reused"]) - differing
    old = _places(steps, loop, lambda effect: effect["reused"]) - new - differing
    parts = [f"{len(new)} new"]
    if old or not differing:
        parts.append(f"{len(old)} already done")
    if differing:
        whose = "its arguments differ" if len(differing) == 1 else "their arguments differ"
        parts.append(f"{len(differing)} kept though {whose}")
    return f"{', '.join(parts)}."


def _undone_sentence(effects: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Tell how many of the writes that the run itself made were taken back since; nothing where none was."""
    undone = sum(bool(effect.get("undone")) for effect in effects)
    made = sum(not effect["reused"] or bool(effect.get("undone")) for effect in effects)
    if undone == made == 1:
        yield "Its write was taken back."
    elif undone:
        yield f"{undone} of {made} writes {'was' if undone == 1 else 'were'} taken back."


def _places(steps: Sequence[Step], loop: Step | None, is_meant: Callable[[Mapping[str, Any]], bool]) -> set[str]:
    found = {step["path"] for step in steps if step["effect"] and is_meant(step["effect"])}
    return found if loop is None else {path.split("].")[0] for path in found}
