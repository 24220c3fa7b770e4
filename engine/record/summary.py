"""Summarise a run in one sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from clients.wording import counted
from engine.base.statuses import ACTIVE_RUNS, RunStatus, StepStatus
from engine.base.step_path import StepPath, items_around
from engine.base.step_tree import step_nodes
from engine.record.fixed_choices import same_choice_sentences
from engine.record.outcomes import (
    by_refusal,
    items_of,
    loop_of_run,
    of_loop,
    of_plain,
    outcome_words,
    places_by_effect,
    rejected_calls,
    stopped_mails,
    write_counts,
    write_kind,
)
from engine.record.shared_keys import shared_key_sentences, shared_writes, with_each_write_once
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import CorrectedAnswer, Outcomes, Run, RunKind
from engine.record.types.step import CANNOT_BE_UPDATED, REFUSALS, StepEffect, StepRecord

_ENDINGS = {
    RunStatus.QUEUED: "Not started yet",
    RunStatus.RUNNING: "Running",
    RunStatus.WAITING: "Waiting",
    RunStatus.CANCELLED: "Cancelled",
    RunStatus.INTERRUPTED: "Interrupted",
    RunStatus.FAILED: "Failed",
    RunStatus.SUCCEEDED: "Done",
}


_FIRST_NAME = re.compile(r"[.\[]")
_ID = re.compile(r"<.*>|[0-9]{5,}|(?=.*[0-9])[0-9a-f-]{12,}|(?=.*[0-9])(?=.*[A-Za-z])[\w=-]{16,}", re.ASCII)
"""Keys that say nothing to a person: ids of services."""
_MOST_FIELDS = 5
_MOST_ALIKE = 200
"""Items that differ in more ways are not worth the place in the list of runs."""
_LONGEST_TITLE, _LONGEST_REASON = 80, 200


def sentence(run: Run) -> str:
    """Return e.g. "25 mails: 9 tasks, 6 issues, 9 only labelled, 1 failed." for a run document."""
    return summed_up(run)[0]


def describe(run: Run) -> None:
    """Give a run document its sentence and, once it has ended or waits, the counts behind it."""
    run["sentence"], found = summed_up(run)
    if run["status"] in ACTIVE_RUNS:
        return
    if found is not None:
        run["counts"] = {**run["counts"], "outcomes": found}
    if rejected := rejected_calls(run):
        run["counts"] = {**run["counts"], "rejected": rejected}
        if stopped := stopped_mails(run):
            run["counts"] = {**run["counts"], "stopped": stopped}


def summed_up(run: Run) -> tuple[str, Outcomes | None]:
    """Return the sentence for a run document, and the counts behind it; None for plans and tests."""
    shared = shared_writes(run["steps"])
    if not shared:
        return _summed_up(run)
    said, found = _summed_up(with_each_write_once(run, shared))
    return " ".join([said, *shared_key_sentences(run, shared)]), found


def _summed_up(run: Run) -> tuple[str, Outcomes | None]:
    options = options_of(run)
    kind = kind_of(options)
    if kind is RunKind.PLAN:
        return _plan_sentence(run), None
    paused = [step for step in run["steps"] if "paused" in step and step["status"] == StepStatus.WAITING]
    if paused and run["status"] == RunStatus.WAITING:
        return _paused_sentence(run, paused), None
    if kind is RunKind.CORRECTION:
        return _correction_sentence(run, options["corrects"]), _of_corrected(run, options["corrects"])
    if "only" in options:
        return _test_sentence(run, options["only"]), None
    loop = loop_of_run(run)
    items = [] if loop is None else items_of(run, loop)
    found = of_plain(run) if loop is None else of_loop(run, loop, items)
    said = _whole_sentence(run, loop, items, found)
    return said, None if kind.is_test or len(found["alike"]) > _MOST_ALIKE else found


def _whole_sentence(run: Run, loop: StepRecord | None, items: Sequence[StepRecord], found: Outcomes) -> str:
    options = options_of(run)
    effects = [step["effect"] for step in run["steps"] if step["effect"]]
    parts = [*_nothing_written(run), _plain_sentence(run) if loop is None else outcome_words(found)]
    parts += [] if loop is None else _which(run, loop, items)
    if loop is not None and _failed_outside(run, loop):
        parts.append(_failed(run, "Failed"))
    parts += [*_notes(run["steps"]), *same_choice_sentences(run)]
    if any(effect["reused"] or effect.get("updated") for effect in effects):
        parts += _reused_sentences(run, loop)
    broken_off = len([step for step in run["steps"] if step["effect"] and step["status"] == StepStatus.CANCELLED])
    if broken_off:
        were = "was" if broken_off == 1 else "were"
        parts.append(f"{counted(broken_off, 'write')} on the way {were} made all the same.")
    parts += [*_made_again_sentence(effects), *_undone_sentence(effects)]
    parts += _corrected_sentence(run["steps"])
    if "pins" in options:
        pinned = sum(bool(step.get("pinned")) for step in run["steps"])
        parts.append(f"{counted(pinned, 'output')} pinned.")
    return " ".join(parts)


def _paused_sentence(run: Run, paused: Sequence[StepRecord]) -> str:
    """Return e.g. "Paused before Write the issue, Login fails, and 2 other steps, until …"."""
    first = paused[0]
    around = next(iter(items_around(first["path"])), None)
    item = next((step["title"] for step in run["steps"] if step["path"] == around), "")
    which = f", {_cut(item, _LONGEST_TITLE)}" if item else ""
    others = f"{',' if which else ''} and {counted(len(paused) - 1, 'other step')}" if len(paused) > 1 else ""
    return f"Paused before {first['title'] or first['id']}{which}{others}, until somebody continues this debug run."


def _plan_sentence(run: Run) -> str:
    """Return e.g. "Plan: 12 writes (9 tasks, 3 labelled), 3 kept, besides the writes of 2 called runs."."""
    found = Counter(planned["write"] for step in run["steps"] if "write" in (planned := step.get("planned") or {}))
    if run["status"] not in (RunStatus.SUCCEEDED, RunStatus.RUNNING):
        return f"Plan: {_ENDINGS.get(run['status'], run['status']).lower()}."
    kept = f", {found['kept']} kept" if found["kept"] else ""
    every, words = counted(found["new"], "write"), _planned_words(run)
    called = sum("child_run_id" in step for step in run["steps"])
    others = f", besides the writes of {counted(called, 'called run')}" if called else ""
    said = f"Plan: {every}{f' ({words})' if words not in ('', every) else ''}{kept}{others}."
    return " ".join([said, *same_choice_sentences(run)])


def _planned_words(run: Run) -> str:
    """Return what a plan would write, in its order: "9 tasks, 3 labelled"."""
    uses = {node.step.id: node.step.uses for node in step_nodes(run["definition"]["workflow"])}
    alike = Counter(uses.values())
    planned = [step for step in run["steps"] if (step.get("planned") or {}).get("write") == "new"]
    times = Counter(step["id"] for step in planned)
    names = {step["id"]: step["uses"] or "" for step in planned}
    kinds = [write_kind(step_id, name, is_only_one=alike[name] < 2) for step_id, name in names.items()]
    found = [(times[step_id], {place: 1}) for place, step_id in enumerate(names)]
    return ", ".join(write_counts(kinds, found, frozenset(range(len(kinds)))))


def _nothing_written(run: Run) -> Iterator[str]:
    """Say first that a run wrote nothing, if it wanted something different from what was written before."""
    notes = [step["effect"]["note"] for step in run["steps"] if step["effect"] and "note" in step["effect"]]
    kept = len(notes)
    if run["status"] not in (RunStatus.SUCCEEDED, RunStatus.FAILED) or not kept or run["counts"]["new_effects"]:
        return
    were = "was made before and is" if kept == 1 else "were made before and are"
    yield (
        f"Nothing was written: {counted(kept, 'write')} {were} kept, though this run wanted another target or text"
        f"{_wanted_otherwise(run)}. {_ways_on(notes)}"
    )


def _ways_on(notes: Sequence[str]) -> str:
    """Return what a person can do about kept writes with these notes."""
    if CANNOT_BE_UPDATED not in notes:
        return "Run it again with an update, or write it again."
    which = "It" if len(notes) == 1 else "They" if set(notes) == {CANNOT_BE_UPDATED} else "Some of them"
    return f"{which} cannot be updated: write it again, or change it in the service."


def _wanted_otherwise(run: Run) -> str:
    """Name the fields in which kept writes differ from what a run wanted, as far as they are known."""
    told = (one for step in run["steps"] if step["effect"] for one in step["effect"].get("differences", ()))
    fields = list(dict.fromkeys(_FIRST_NAME.split(one["field"], maxsplit=1)[0] for one in told))
    more = ", …" if len(fields) > _MOST_FIELDS else ""
    return f" ({', '.join(fields[:_MOST_FIELDS])}{more})" if fields else ""


def _which(run: Run, loop: StepRecord, items: Sequence[StepRecord]) -> Iterator[str]:
    """Name what failed and why, or the only item: this distinguishes runs in a list."""
    failed = [item for item in items if item["status"] == StepStatus.FAILED]
    if failed:
        named = ": ".join(filter(None, (_title(failed[0], loop), _cut(_why(run, failed[0]), _LONGEST_REASON))))
        more = f" And {len(failed) - 1} more." if len(failed) > 1 else ""
        if named:
            yield f"{named.rstrip('.')}.{more}"
    elif len(items) == 1 and (title := _title(items[0], loop)):
        yield f"{title}."


def _title(item: StepRecord, loop: StepRecord) -> str:
    """Return the title of an item in quotes; empty if it has no title of its own, but only the id of a service."""
    title = _cut(item["title"], _LONGEST_TITLE)
    is_id = item["title"] == item.get("key") and _ID.fullmatch(title)
    return f'"{title}"' if title and item["title"] != loop["title"] and not is_id else ""


def _why(run: Run, item: StepRecord) -> str:
    """Return why an item failed: the message of its first failed step that the run did not go on without."""
    path = StepPath.parse(item["path"])
    inside = [one for one in run["steps"] if one["error"] and StepPath.parse(one["path"]).is_inside(path)]
    # A loop inside only says how many of its items failed.
    causes = [one["error"] for one in inside if one["uses"] and not one.get("handled")]
    error = next(iter([*causes, *(one["error"] for one in inside)]), None) or item["error"]
    return str(error["message"] or "") if error else ""


def _cut(text: Any, most: int) -> str:
    one_line = " ".join(str(text or "").split())
    return one_line if len(one_line) <= most else f"{one_line[:most].rstrip()} …"


def _correction_sentence(run: Run, corrects: CorrectedAnswer) -> str:
    """Return e.g. 'Corrects Classify of "Invoice 7": kind is task. 1 write, 1 left as it was.'."""
    right = ", ".join(f"{name} is {_cut(value, _LONGEST_TITLE)}" for name, value in corrects["values"].items())
    effects = [step["effect"] for step in run["steps"] if step["effect"]]
    kept = sum(effect["reused"] for effect in effects)
    made = counted(len(effects) - kept, "write") if len(effects) > kept else "Nothing is written"
    stays = f", {kept:,} left as it was" if kept else ""
    done = f"{made}{stays}."
    undone = [f"Undone: {note}." for note in dict.fromkeys(corrects.get("undone", ()))]
    ending = "" if run["status"] == RunStatus.SUCCEEDED else _failed(run, _ENDINGS[run["status"]])
    said = [f"Corrects {_named_place(run, corrects['step'])}: {right}.", *undone, done, ending]
    return " ".join(filter(None, [*said, *_undone_sentence(effects), *_corrected_sentence(run["steps"])]))


def _of_corrected(run: Run, corrects: CorrectedAnswer) -> Outcomes | None:
    """Return what came of the item that a correction does again; None if it could not be told from the item before."""
    loop = loop_of_run(run)
    items = [] if loop is None else items_of(run, loop)
    again = [item for item in items if item["path"] in items_around(corrects["step"])]
    found = of_loop(run, loop, again) if loop is not None and again else None
    return found if found and "names" in found else None


def _named_place(run: Run, path: str) -> str:
    """Return a step as people know it: its title, and in quotes those of the items around it."""
    titles = {step["path"]: _cut(step["title"], _LONGEST_TITLE) for step in run["steps"]}
    items = [f'"{titles[item]}"' for item in reversed(items_around(path)) if titles.get(item)]
    return " of ".join([titles.get(path) or path, *items])


def _corrected_sentence(steps: Sequence[StepRecord]) -> Iterator[str]:
    """Say which runs go on from answers that a person has corrected since; nothing if no answer was corrected."""
    found = [step["corrected"]["run_id"] for step in steps if "corrected" in step]
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        yield f"{counted(len(found), 'answer')} corrected: see run {found[0]}{more}."


def _test_sentence(run: Run, only: str) -> str:
    """Describe the result of the single step of a test run."""
    if run["status"] == RunStatus.FAILED and run["error"]:
        return _failed(run, f"Test of {only} failed")
    return f"Test of {only}: {_ENDINGS[run['status']].lower()}."


def _failed(run: Run, what: str) -> str:
    """Return what failed, and the message of the run's error."""
    return f"{what}: {run['error']['message']}" if run["error"] else f"{what}."


def _notes(steps: Sequence[StepRecord]) -> Iterator[str]:
    """Repeat what successful steps report about themselves: what they could not read, or sent otherwise."""
    notes = [str(step["note"]) for step in steps if step["status"] == StepStatus.SUCCEEDED and step.get("note")]
    yield from notes[:1]
    if len(notes) > 1:
        yield f"{counted(len(notes) - 1, 'more step')} {'has' if len(notes) == 2 else 'have'} a note."


def _failed_outside(run: Run, loop: StepRecord) -> bool:
    """Return whether the run failed for a reason other than the items of the loop."""
    error = run["error"]
    return run["status"] == RunStatus.FAILED and error is not None and not _is_of_loop(error["step"] or "", loop)


def _is_of_loop(path: str, loop: StepRecord) -> bool:
    whole = StepPath.parse(loop["path"])
    return bool(path) and (StepPath.parse(path) == whole or StepPath.parse(path).is_inside(whole))


def _plain_sentence(run: Run) -> str:
    if run["status"] == RunStatus.FAILED and run["error"]:
        return run["error"]["message"] if run["error"].get("type") in REFUSALS else _failed(run, "Failed")
    done = len([step for step in run["steps"] if step["status"] == StepStatus.SUCCEEDED])
    refused = by_refusal([step for step in run["steps"] if step["uses"]])
    amber = run["counts"]["failed_steps"] - sum(refused.values())
    failed = [f"{amber:,} failed"] if amber > 0 else []
    parts = [f"{counted(done, 'step')} done", *(f"{count:,} {because}" for because, count in refused.items()), *failed]
    return f"{_ENDINGS[run['status']]}: {', '.join(parts)}."


def _reused_sentences(run: Run, loop: StepRecord | None) -> Iterator[str]:
    """Describe items (without a loop: writes) by the state of their effects; each counts once.

    What `_nothing_written` has said already is not said again.
    """
    differing, new, updated, old = places_by_effect(run["steps"], loop)
    told = ((new, "new"), (updated, "updated"), (old, "already done"))
    counts = [f"{len(found):,} {words}" for found, words in told if found]
    if counts:
        yield f"{', '.join(counts)}."
    if differing and not [*_nothing_written(run)]:
        one = len(differing) == 1
        stays = "was written before and stays as it was" if one else "were written before and stay as they were"
        yield f"{len(differing):,} {stays}, though this run wanted another target or text{_wanted_otherwise(run)}."


def _made_again_sentence(effects: Sequence[StepEffect]) -> Iterator[str]:
    """Say how many undone writes of earlier runs the run has made again."""
    made = [one for one in effects if not (one["reused"] or one.get("updated") or one.get("undone"))]
    again = sum(bool(one.get("generation")) for one in made)
    if again:
        yield f"{counted(again, 'write')} made again: an undo had taken {'it' if again == 1 else 'them'} back."


def _undone_sentence(effects: Sequence[StepEffect]) -> Iterator[str]:
    """Say how many of the run's own writes have been undone since; nothing if no write was undone."""
    undone = sum(bool(effect.get("undone")) for effect in effects)
    made = sum(not effect["reused"] or bool(effect.get("undone")) for effect in effects)
    if undone == made == 1:
        yield "Its write was undone."
    elif undone:
        yield f"{undone} of {made} writes {'was' if undone == 1 else 'were'} undone."
