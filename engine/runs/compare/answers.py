"""Which prompts differ between two runs, and how many model answers."""

from __future__ import annotations

from collections.abc import Iterator

from clients.wording import counted
from engine.base.statuses import StepStatus
from engine.base.step_path import StepPath, items_around
from engine.base.wording import noun
from engine.record.differences import differences
from engine.record.previous_run import Place, places
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

_MODEL = "llm."


def headline(good: Run, bad: Run) -> str:
    """Return e.g. "Prompt classify-mail 1 -> 2. 3 of 25 mails were answered differently."; "" if nothing differs.

    If a prompt differs, the sentence also says so when no answer does.
    """
    prompts = list(_prompts_changed(good, bad))
    asked, changed = _answers(good, bad)
    if asked and (changed or prompts):
        prompts.append(_answered(bad, asked, changed))
    return " ".join(prompts)


def differing_answers(good: Run, bad: Run) -> set[str]:
    """Return the paths, in the bad run, of the steps that asked a model and got a different answer."""
    return {step["path"] for one, step in _both_asked(good, bad).values() if _is_other(one, step)}


def _prompts_changed(good: Run, bad: Run) -> Iterator[str]:
    before, after = (run["definition"].get("prompts") or {} for run in (good, bad))
    for reference, prompt in after.items():
        name = reference.partition("@")[0]
        same_name = [one for known, one in before.items() if known.partition("@")[0] == name]
        old = before.get(reference, same_name[0] if same_name else None)
        if old is None or old == prompt:
            continue
        versions = [one.get("version") for one in (old, prompt)]
        is_numbered = None not in versions and versions[0] != versions[1]
        yield f"Prompt {name} {versions[0]} -> {versions[1]}." if is_numbered else f"Prompt {name} was changed."


def _answers(good: Run, bad: Run) -> tuple[set[str], set[str]]:
    """Return what both runs asked a model about, and the subset that got a different answer.

    These are items of a loop or, if no loop asks a model, steps.
    """
    asked, changed = {step["path"] for _, step in _both_asked(good, bad).values()}, differing_answers(good, bad)
    if any(map(items_around, asked)):
        asked, changed = ({around[-1] for around in map(items_around, paths) if around} for paths in (asked, changed))
    return asked, changed


def _answered(bad: Run, asked: set[str], changed: set[str]) -> str:
    loops = {str(StepPath.parse(path).parent) for path in asked}
    loop = next((step for step in bad["steps"] if step["path"] in loops and "items" in step), None)
    word = noun(str(loop.get("noun") or ""), "item") if loop is not None else "step"
    return (
        f"{len(changed)} of {counted(len(asked), word)} {'was' if len(changed) == 1 else 'were'} answered differently."
    )


def _both_asked(good: Run, bad: Run) -> dict[Place, tuple[StepRecord, StepRecord]]:
    ours, theirs = places(good), places(bad)
    both = {place: (ours[place], step) for place, step in theirs.items() if place in ours}
    return {place: pair for place, pair in both.items() if all(map(_has_answer, pair))}


def _has_answer(step: StepRecord) -> bool:
    return str(step["uses"] or "").startswith(_MODEL) and step["status"] == StepStatus.SUCCEEDED


def _is_other(one: StepRecord, other: StepRecord) -> bool:
    return any(True for _ in differences("output", one["output"], other["output"]))
