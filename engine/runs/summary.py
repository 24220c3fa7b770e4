"""What happened in a run, in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from engine.errors import OrchestraError
from engine.registry import step_type
from engine.runs.document import is_item
from engine.step import Repeat

_ENDINGS = {
    "queued": "Not started yet",
    "running": "Running",
    "waiting": "Waiting",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted",
    "failed": "Failed",
    "succeeded": "Done",
}


def sentence(run: Mapping[str, Any]) -> str:
    """Return e.g. "25 mails: 9 tasks, 6 issues, 9 only labelled, 1 failed." for a run document."""
    loop = next((step for step in run["steps"] if "items" in step and "." not in step["path"]), None)
    parts = [_loop_sentence(run, loop)] if loop is not None else [_plain_sentence(run)]
    if loop is not None and _failed_outside(run, loop):
        parts.append(f"Failed: {run['error']['message']}")
    effects = [step["effect"] for step in run["steps"] if step["effect"]]
    reused = sum(effect["reused"] for effect in effects)
    if reused:
        parts.append(_reused_sentence(run, loop, effects, reused))
    return " ".join(parts)


def _failed_outside(run: Mapping[str, Any], loop: Mapping[str, Any]) -> bool:
    """Tell whether the run failed for another reason than the items of the loop."""
    step = str((run["error"] or {}).get("step") or "")
    return run["status"] == "failed" and step != loop["path"] and not step.startswith(f"{loop['path']}[")


def _plain_sentence(run: Mapping[str, Any]) -> str:
    if run["status"] == "failed" and run["error"]:
        return f"Failed: {run['error']['message']}"
    done = sum(step["status"] == "succeeded" for step in run["steps"])
    amber = run["counts"]["failed_steps"]
    return f"{_ENDINGS[run['status']]}: {_many(done, 'step')} done" + (f", {amber} failed." if amber else ".")


def _loop_sentence(run: Mapping[str, Any], loop: Mapping[str, Any]) -> str:
    items = _items(run["steps"], loop["path"])
    if not items:
        return f"No {loop['noun']}s: nothing to do."
    actions = _actions(run, loop["path"])
    told = _told(actions, {item["path"] for item in items if item["status"] == "succeeded"})
    parts = [_counted(step_id, count, actions) for step_id, count in told]
    parts += _rest(items, actions, {step_id for step_id, _ in told})
    statuses = Counter(item["status"] for item in items)
    open_items = statuses["pending"] + statuses["running"] + statuses["waiting"] + statuses["cancelled"]
    parts += [f"{statuses['failed']} failed"] if statuses["failed"] else []
    parts += [f"{open_items} not finished"] if open_items else []
    return f"{_many(len(items), loop['noun'])}: {', '.join(parts) or 'nothing to do'}."


def _items(steps: Sequence[Mapping[str, Any]], loop_path: str) -> list[Mapping[str, Any]]:
    return [step for step in steps if is_item(step) and step["path"].rsplit("[", 1)[0] == loop_path]


def _actions(run: Mapping[str, Any], loop_path: str) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Return {step id: {item path: step}} of the writes that succeeded in the items of a loop, in file order."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for step in run["steps"]:
        item_path, _, inner = step["path"].partition("].")
        if step["effect"] and inner and item_path.startswith(f"{loop_path}["):
            found.setdefault(step["id"], {})[f"{item_path}]"] = step
    order = list(_ids(run["definition"]["workflow"].get("steps", [])))
    return dict(sorted(found.items(), key=lambda one: order.index(one[0]) if one[0] in order else len(order)))


def _ids(steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for step in steps:
        yield str(step.get("id"))
        yield from _ids(step.get("steps") or [])


def _counted(step_id: str, count: int, actions: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return "9 tasks" for what was made, "2 unsure" for what was only done to a thing that is there."""
    return _many(count, step_id) if _makes(actions[step_id]) else f"{count} {step_id.replace('_', ' ')}"


def _makes(done: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a write makes a thing, which it does not where doing it twice is the same."""
    try:
        return step_type(next(iter(done.values()))["uses"]).repeat is not Repeat.SAFE
    except OrchestraError:
        return True


def _told(actions: Mapping[str, Mapping[str, Mapping[str, Any]]], succeeded: AbstractSet[str]) -> list[tuple[str, int]]:
    """Return the writes that say something: those that make a thing, or that not every good item got."""
    return [
        (step_id, len(done))
        for step_id, done in actions.items()
        if _makes(done) or not succeeded <= done.keys() or len(actions) == 1
    ]


def _rest(
    items: Sequence[Mapping[str, Any]], actions: Mapping[str, Mapping[str, Mapping[str, Any]]], told: set[str]
) -> Iterator[str]:
    """Tell what else happened to the items that no counted write touched."""
    counted = {path for step_id in told for path in actions[step_id]}
    left = {item["path"] for item in items if item["status"] == "succeeded" and item["path"] not in counted}
    if not left:
        return
    words = [_done_word(step) for done in actions.values() for path, step in done.items() if path in left]
    common = Counter(words).most_common(1)
    if common and common[0][1] == len(left):
        yield f"{len(left)} only {common[0][0]}"
    else:
        yield f"{len(left)} left as they were"


def _done_word(step: Mapping[str, Any]) -> str:
    try:
        return step_type(step["uses"]).done or step["title"].lower()
    except OrchestraError:
        return str(step["id"])


def _reused_sentence(
    run: Mapping[str, Any], loop: Mapping[str, Any] | None, effects: Sequence[Mapping[str, Any]], reused: int
) -> str:
    if loop is None:
        return f"{len(effects) - reused} new, {reused} already done."
    items = _items(run["steps"], loop["path"])
    new = {step["path"].split("].")[0] for step in run["steps"] if step["effect"] and not step["effect"]["reused"]}
    old = {step["path"].split("].")[0] for step in run["steps"] if step["effect"] and step["effect"]["reused"]} - new
    return f"{len(new)} new, {min(len(old), len(items))} already done."


def _many(count: int, noun: str) -> str:
    plain = noun.replace("_", " ")
    if count == 1:
        return f"1 {plain}"
    if plain.endswith(("s", "x", "ch", "sh")):
        return f"{count} {plain}es"
    if plain.endswith("y") and plain[-2:-1] not in "aeiou":
        return f"{count} {plain[:-1]}ies"
    return f"{count} {plain}s"
