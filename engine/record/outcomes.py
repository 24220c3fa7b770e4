"""What came of the items of a run, counted in a form that can be added up over many runs, and said in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from hashlib import blake2b
from typing import Any

from clients.wording import counted, plural
from engine.base.errors import OrchestraError
from engine.base.statuses import RunStatus, StepStatus
from engine.base.step_path import StepPath, is_item, items_around, loop_of
from engine.base.step_tree import CALLS, StepDefinition, step_nodes
from engine.base.wording import noun
from engine.plugins.registry import step_type
from engine.plugins.step import Effect, Repeat
from engine.record.types.run import ItemsAlike, OutcomeKind, Outcomes, Run
from engine.record.types.step import REFUSALS, StepEffect, StepRecord, refusal_of, refusal_words

_MAKING = ("add", "create", "upsert")
"""With these verbs, what a step type makes is called by its object: `create_draft` makes drafts."""
CORRECTED, NOTHING = "corrected: ", "nothing"
"""What `became` says of an item with a corrected answer, before what stays of it; and if nothing does."""
_NUMBERED = re.compile(r"_[0-9]+$")
_FAILED, _OPEN, _CANCELLED, _LEFT_OUT = "failed", "not finished", "cancelled", "left out"
_DONE_BEFORE = "already done"
_LAST = {_FAILED: 1, _OPEN: 2, _CANCELLED: 3, _LEFT_OUT: 4}
"""The order of endings; why somebody did not approve comes before them."""
_REJECTED = "Rejected"
_MOST_NAMED = 200
"""The names of more items are not worth the place in the list of runs: each of them counts."""
_OF_REJECTIONS = (_REJECTED, "ItemsFailed")
"""The types of errors of a run in which a person rejected calls: a loop only says how many of its items failed."""
_ENDINGS: Mapping[str, str] = {RunStatus.FAILED: _FAILED, RunStatus.CANCELLED: _CANCELLED}


def of_loop(run: Run, loop: StepRecord, items: Sequence[StepRecord]) -> Outcomes:
    """Return what came of the items of a loop: of failed or unfinished ones their number, of the others the writes."""
    good = {item["path"] for item in items if item["status"] == StepStatus.SUCCEEDED}
    kinds, by_item = _kinds(run, good)
    done = [_pairs(by_item.get(item["path"])) if item["path"] in good else None for item in items]
    ended = [_ending(item) for item in items]
    alike, endings = Counter(one for one in done if one is not None), Counter(filter(None, ended))
    in_order = sorted(endings, key=lambda word: _LAST.get(word, 0))
    found: Outcomes = {
        "noun": noun(loop["noun"], "item"),
        "may_write": _may_write(run, loop),
        "kinds": kinds,
        "alike": [{"items": count, "done": list(pairs)} for pairs, count in alike.items()],
        "endings": {word: endings[word] for word in in_order},
        "repeated": repeated(run["steps"], loop),
    }
    if items and len(items) <= _MOST_NAMED and _has_keys(run, loop):
        groups = [*alike, *in_order]
        named: list[list[str]] = [[] for _ in groups]
        for item, pairs, word in zip(items, done, ended, strict=True):
            named[groups.index(word if pairs is None else pairs)].append(_name(str(item["key"])))
        found["names"] = named
    return found


def _ending(item: StepRecord) -> str:
    """Return how an item ended that did not succeed; "" for the others."""
    if item["status"] == StepStatus.SUCCEEDED:
        return ""
    if item["error"] and refusal_of(item):
        return refusal_words(item["error"])
    return {StepStatus.FAILED: _FAILED, StepStatus.SKIPPED: _LEFT_OUT}.get(StepStatus(item["status"]), _OPEN)


def _has_keys(run: Run, loop: StepRecord) -> bool:
    """Return whether the items of a loop have keys of their own; without, an item is only known by its place."""
    nodes = step_nodes(run["definition"]["workflow"])
    return any(node.path == loop["path"] and node.step.json.get("key") is not None for node in nodes)


def _name(key: str) -> str:
    """Return a short name by which an item is known in the counts of another run."""
    return blake2b(key.encode(), digest_size=6).hexdigest()


def of_plain(run: Run) -> Outcomes:
    """Return what came of a run without a loop, as if it were a loop over itself."""
    found = of_status(run["status"])
    if run["status"] == RunStatus.SUCCEEDED:
        kinds, by_item = _kinds(run, None)
        done: ItemsAlike = {"items": 1, "done": list(_pairs(by_item.get("")))}
        return {**found, "kinds": kinds, "alike": [done], "repeated": repeated(run["steps"], None)}
    error = run["error"]
    return {**found, "endings": {refusal_words(error): 1}} if error and error.get("type") in REFUSALS else found


def of_status(status: str) -> Outcomes:
    """Return the outcomes of a run of which no more is known than its status."""
    is_good = status == RunStatus.SUCCEEDED
    return {
        "noun": "run",
        "may_write": False,
        "kinds": [],
        "alike": [{"items": 1, "done": []}] if is_good else [],
        "endings": {} if is_good else {_ENDINGS.get(status, _OPEN): 1},
        "repeated": {},
    }


def each_once(several: Sequence[tuple[Outcomes, int]]) -> list[tuple[Outcomes, int]]:
    """Return the outcomes of runs, the oldest first, without the items that another of these runs has, too.

    An item counts where it succeeded last, or else where it was seen last. Items without names all count.
    """
    home: dict[tuple[str, str], tuple[bool, int]] = {}
    for place, (one, _) in enumerate(several):
        for group, names in enumerate(one.get("names", ())):
            is_good = group < len(one["alike"])
            for name in names:
                if is_good or not home.get((one["noun"], name), (False, 0))[0]:
                    home[one["noun"], name] = (is_good, place)
    found: list[tuple[Outcomes, int]] = []
    before: set[tuple[str, str]] = set()
    for place, (one, times) in enumerate(several):
        if "names" not in one:
            found.append((one, times))
            continue
        left = [sum(home[one["noun"], name][1] == place for name in names) for names in one["names"]]
        every = {(one["noun"], name) for names in one["names"] for name in names}
        again = len(every & before)
        if any(left):
            is_whole = not again and sum(left) == sum(map(len, one["names"]))
            found.append((one if is_whole else _only(one, left, again), 1))
        before |= every
    return found


def _only(one: Outcomes, left: Sequence[int], again: int) -> Outcomes:
    """Return outcomes with so many items of each group, `again` of which an earlier run of the sum has seen."""
    alike = [(count, same["done"]) for count, same in zip(left, one["alike"], strict=False) if count]
    used = sorted({place for _, done in alike for place, _ in done})
    endings = zip(left[len(one["alike"]) :], one["endings"], strict=True)
    done_before = one["repeated"].get(_DONE_BEFORE, 0)
    repeated = {**one["repeated"], _DONE_BEFORE: max(0, done_before - again)}
    return {
        "noun": one["noun"],
        "may_write": one["may_write"],
        "kinds": [one["kinds"][place] for place in used],
        "alike": [{"items": count, "done": [(used.index(at), times) for at, times in done]} for count, done in alike],
        "endings": {word: count for count, word in endings if count},
        "repeated": {word: count for word, count in repeated.items() if count},
    }


def added(several: Iterable[tuple[Outcomes, int]]) -> list[Outcomes]:
    """Return the sums of outcomes, each so many times, one for each noun; the order is that of their first."""
    by_noun: dict[str, list[tuple[Outcomes, int]]] = {}
    for one, times in several:
        by_noun.setdefault(one["noun"], []).append((one, times))
    return [_sum(name, same) for name, same in by_noun.items()]


def _sum(name: str, several: Sequence[tuple[Outcomes, int]]) -> Outcomes:
    kinds: dict[tuple[Any, ...], int] = {}
    alike, endings, again = Counter[tuple[tuple[int, int], ...]](), Counter[str](), Counter[str]()
    listed: list[OutcomeKind] = []
    for one, times in several:
        places = []
        for kind in one["kinds"]:
            key = tuple(sorted(kind.items()))
            if key not in kinds:
                listed.append(kind)
            places.append(kinds.setdefault(key, len(kinds)))
        for same in one["alike"]:
            alike[_merged(listed, ((places[place], done) for place, done in same["done"]))] += times * same["items"]
        endings.update({word: times * count for word, count in one["endings"].items()})
        again.update({word: times * count for word, count in one["repeated"].items()})
    return {
        "noun": name,
        "may_write": any(one["may_write"] for one, _ in several),
        "kinds": listed,
        "alike": [{"items": count, "done": list(done)} for done, count in alike.items()],
        "endings": {word: endings[word] for word in sorted(endings, key=lambda word: _LAST.get(word, 0))},
        "repeated": dict(again),
    }


def _merged(kinds: Sequence[OutcomeKind], done: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return how often each kind was done with an item. Two created things count as two; what changed twice, once."""
    found: dict[int, int] = {}
    for place, times in done:
        before = found.get(place, 0)
        found[place] = before + times if kinds[place]["makes"] else max(before, times)
    return tuple(sorted(found.items()))


def outcome_words(found: Outcomes) -> str:
    """Return e.g. "25 mails: 9 tasks, 6 issues, 9 only labelled, 1 failed."."""
    total = sum(same["items"] for same in found["alike"]) + sum(found["endings"].values())
    if not total:
        return f"No {plural(found['noun'])}: nothing to do."
    parts = [*_written(found), *(f"{count:,} {word}" for word, count in found["endings"].items())]
    return f"{counted(total, found['noun'])}: {', '.join(parts)}."


def became(run: Run) -> Mapping[str, str]:
    """Return what became of each item of a run's loop that succeeded, by its path, in the words of the sums.

    For example `task` or `only labelled`; nothing of an item for which nothing was written. Of an item with an answer
    that a person has corrected: what stays here, such as `corrected: nothing`.
    """
    loop = loop_of_run(run)
    items = [] if loop is None else items_of(run, loop)
    good = {item["path"] for item in items if item["status"] == StepStatus.SUCCEEDED}
    kinds, by_item = _kinds(run, good)
    told = _told(kinds, [by_item.get(path, Counter()) for path in good])
    rest = _rest_words(kinds, told)
    words = {path: [_said(kinds[place]) for place in sorted(done.keys() & told)] for path, done in by_item.items()}
    said = {path: ", ".join(dict.fromkeys(found)) or rest for path, found in words.items()}
    corrected = {next(iter(items_around(step["path"])), "") for step in run["steps"] if "corrected" in step} & good
    return {**said, **_staying(run, corrected)} if corrected else said


def _staying(run: Run, items: AbstractSet[str]) -> Mapping[str, str]:
    """Return what stays of each of these items, whose answers were corrected: what was written and not undone."""
    steps = [_without_undone(step) for step in run["steps"]]
    kinds, by_item = _kinds({**run, "steps": steps}, items)
    words = [_said(kind) if kind["makes"] or kind["because"] else kind["done"] for kind in kinds]
    left = {path: [words[place] for place in sorted(by_item.get(path, ()))] for path in items}
    return {path: f"{CORRECTED}{', '.join(dict.fromkeys(said)) or NOTHING}" for path, said in left.items()}


def _without_undone(step: StepRecord) -> StepRecord:
    effect = step["effect"]
    return {**step, "effect": None} if effect and effect.get("undone") else step


def loop_of_run(run: Run) -> StepRecord | None:
    """Return the outermost loop that a run is told by; None if it has none."""
    return next((step for step in run["steps"] if "items" in step and "." not in step["path"]), None)


def _said(kind: OutcomeKind) -> str:
    return f"{kind['word']} {kind['because']}".rstrip()


def _told(kinds: Sequence[OutcomeKind], done: Sequence[Mapping[int, int]]) -> set[int]:
    """Return the kinds that tell items apart: what was made or refused, and what not every item received."""
    return {
        place
        for place, kind in enumerate(kinds)
        if kind["because"] or kind["makes"] or any(place not in one for one in done)
    }


def _rest_words(kinds: Sequence[OutcomeKind], told: AbstractSet[int]) -> str:
    """Return the words for items that received only what every item did: `only labelled`."""
    words = " and ".join(dict.fromkeys(kind["done"] for place, kind in enumerate(kinds) if place not in told))
    is_only = any(not kinds[place]["because"] for place in told)
    return f"only {words}" if words and is_only else words


def _written(found: Outcomes) -> Iterator[str]:
    """Describe what was made or refused, and what not every item received; then the items not covered by that."""
    kinds, alike = found["kinds"], [(same["items"], dict(same["done"])) for same in found["alike"]]
    every = _told(kinds, [done for _, done in alike])
    told = {place for place in every if not kinds[place]["because"]}
    refused = every - told
    yield from write_counts(kinds, alike, told)
    for place in sorted(refused):
        count = sum(items * done.get(place, 0) for items, done in alike)
        yield f"{counted(count, kinds[place]['word'])} {kinds[place]['because']}"
    left = sum(items for items, done in alike if not done.keys() & (told | refused))
    if not left:
        return
    if words := _rest_words(kinds, every):
        yield f"{left:,} {words}"
    elif found["may_write"]:
        yield f"{left:,} left as {'it was' if left == 1 else 'they were'}"
    else:
        yield f"{left:,} {'more ' if told else ''}done"


def write_counts(
    kinds: Sequence[OutcomeKind], alike: Sequence[tuple[int, Mapping[int, int]]], told: AbstractSet[int]
) -> Iterator[str]:
    """Describe how many of each word, in order: "9 tasks", "2 labelled"; kinds with the same word count together."""
    same_word: dict[tuple[str, bool], list[int]] = {}
    for place in sorted(told):
        same_word.setdefault((kinds[place]["word"], kinds[place]["makes"]), []).append(place)
    for (word, makes), places in same_word.items():
        # Two created things count as two; a thing changed twice counts once.
        per_item = sum if makes else max
        count = sum(items * per_item(done.get(place, 0) for place in places) for items, done in alike)
        yield counted(count, word) if makes else f"{count:,} {word}"


def by_refusal(steps: Iterable[StepRecord]) -> Counter[str]:
    """Count the steps, or items, that ended because nobody approved a call, by what became of it."""
    return Counter(refusal_words(step["error"]) for step in steps if step["error"] and refusal_of(step))


def rejected_calls(run: Run) -> int:
    """Return how many calls of a run a person rejected; 0 if anything else failed, too."""
    errors = [step["error"] for step in run["steps"] if step["status"] == StepStatus.FAILED and step["error"]]
    if any(error["type"] not in _OF_REJECTIONS for error in [*errors, *filter(None, [run["error"]])]):
        return 0
    return sum(bool(step["uses"]) and refusal_of(step) == _REJECTED for step in run["steps"])


def stopped_mails(run: Run) -> int:
    """Return how many calls of a run were mails for later that a person stopped."""
    return sum(bool(step["uses"] and step["error"] and step["error"].get("stopped")) for step in run["steps"])


def failed_items(run: Run) -> int:
    """Return how many items of a run failed, without those that a person rejected, and those inside another item."""
    items = [step for step in run["steps"] if is_item(step["path"]) and step["status"] == StepStatus.FAILED]
    return sum(refusal_of(item) != _REJECTED and len(items_around(item["path"])) == 1 for item in items)


def items_of(run: Run, loop: StepRecord) -> list[StepRecord]:
    """Return the items of a loop."""
    others = [step for step in run["steps"] if step["uses"] is None]
    return [step for step in others if is_item(step["path"]) and loop_of(step["path"]) == loop["path"]]


def repeated(steps: Sequence[StepRecord], loop: StepRecord | None) -> dict[str, int]:
    """Return how many items (without a loop: writes) were updated or done before already, by their only effects."""
    _, _, updated, old = places_by_effect(steps, loop)
    found = {"updated": len(updated), _DONE_BEFORE: len(old)}
    return {word: count for word, count in found.items() if count}


def places_by_effect(
    steps: Sequence[StepRecord], loop: StepRecord | None
) -> tuple[set[str], set[str], set[str], set[str]]:
    """Return the items (without a loop: writes) that differ, are new, updated, old; each counts once."""
    differing = _places(steps, loop, lambda effect: "note" in effect)
    updated = _places(steps, loop, lambda effect: bool(effect.get("updated"))) - differing
    new = _places(steps, loop, lambda effect: not effect["reused"]) - updated - differing
    old = _places(steps, loop, lambda effect: effect["reused"]) - new - updated - differing
    return differing, new, updated, old


def _places(steps: Sequence[StepRecord], loop: StepRecord | None, is_meant: Callable[[StepEffect], bool]) -> set[str]:
    found = {step["path"] for step in steps if step["effect"] and is_meant(step["effect"])}
    return found if loop is None else {next(iter(items_around(path)), path) for path in found}


def _may_write(run: Run, loop: StepRecord) -> bool:
    """Return whether the items of a loop could be written about; a called workflow's own run describes its writes."""
    path = StepPath.parse(StepPath.parse(loop["path"]).in_workflow)
    nodes = [(StepPath.parse(node.path), node.step) for node in step_nodes(run["definition"]["workflow"])]
    inside = [step for at, step in nodes if at == path or at.is_inside(path)]
    return any(map(_writes_directly, inside)) and not any(one.uses in CALLS for one in inside)


def _writes_directly(step: StepDefinition) -> bool:
    if not step.uses:  # a loop in the loop
        return False
    try:
        return step_type(step.uses).effect_of(step.arguments)[0] is Effect.WRITES
    except OrchestraError:
        return False


def _kinds(run: Run, good: AbstractSet[str] | None) -> tuple[list[OutcomeKind], dict[str, Counter[int]]]:
    """Return what was done with the good items of a loop, writes in file order, and how often with which item.

    `good` None: the whole run is the only item, "".
    """
    uses_of = {node.step.id: node.step.uses for node in step_nodes(run["definition"]["workflow"])}
    alike, order = Counter(uses_of.values()), {step_id: place for place, step_id in enumerate(uses_of)}
    written: dict[str, tuple[str, Counter[str]]] = {}
    refused: dict[tuple[str, str], Counter[str]] = {}
    for step in run["steps"]:
        refusal = refusal_of(step) if step["error"] and step["uses"] else None
        if not step["effect"] and not refusal:
            continue
        item = "" if good is None else next(iter(items_around(step["path"])), None)
        if item is None or (good is not None and item not in good):
            continue
        if step["effect"]:
            written.setdefault(step["id"], (step["uses"] or "", Counter()))[1][item] += 1
        elif step["error"] and refusal:
            refused.setdefault((noun(step["id"], "call"), refusal_words(step["error"])), Counter())[item] += 1
    in_order = sorted(written.items(), key=lambda one: order.get(one[0], len(order)))
    found = [(write_kind(step_id, uses, is_only_one=alike[uses] < 2), done) for step_id, (uses, done) in in_order]
    found += [
        ({"word": word, "done": "", "makes": True, "because": why}, done) for (word, why), done in refused.items()
    ]
    by_item: dict[str, Counter[int]] = {}
    for place, (_, done) in enumerate(found):
        for path, times in done.items():
            by_item.setdefault(path, Counter())[place] = times
    return [kind for kind, _ in found], by_item


def _pairs(done: Mapping[int, int] | None) -> tuple[tuple[int, int], ...]:
    """Return what was done with an item, and how often, in the order of the kinds."""
    return tuple(sorted((done or {}).items()))


def write_kind(step_id: str, uses: str, *, is_only_one: bool) -> OutcomeKind:
    """Return how the writes of a step are told; `is_only_one`: no other step of the workflow has the same type.

    If two steps do the same ("label", "unsure"), only the id distinguishes them.
    """
    try:
        made_by = step_type(uses)
        makes, done = made_by.repeat is not Repeat.SAFE, made_by.done or "changed"
    except OrchestraError:
        makes, done = True, "changed"
    word = noun(_object_of(step_id, uses), "write") if makes else done if is_only_one else noun(step_id, done)
    return {"word": word, "done": done, "makes": makes, "because": ""}


def _object_of(step_id: str, uses: str) -> str:
    """Return what a step makes if it is named after its type, else its name."""
    return made_by(uses) if made_by(uses) and _NUMBERED.sub("", step_id) == uses.partition(".")[2] else step_id


def made_by(uses: str) -> str:
    """Return what the name of a step type says that it makes: `draft` for `create_draft`; "" if it says nothing."""
    verb, _, made = uses.partition(".")[2].partition("_")
    return made if verb in _MAKING else ""
