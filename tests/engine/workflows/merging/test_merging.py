"""Merges of texts: both sides' changes arrive, all other bytes stay, and clashes are shown."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import InvalidFile, InvalidInput, UnknownName
from engine.base.json_text import is_alike
from engine.base.step_tree import step_nodes
from engine.compiler.renaming import rename_splices
from engine.documents.json_file import JsonFile
from engine.workflows.differences.changes import changes
from engine.workflows.editing.applying import applied
from engine.workflows.editing.operations import operations
from engine.workflows.merging.conflicts import SIDES, Choices, Side, Value
from engine.workflows.merging.merging import Merge, MergeTexts, merge
from engine.workflows.merging.ordering import ordered
from engine.workflows.merging.outline import Outline
from engine.workspace.canonical import canonical
from engine.workspace.step_renames import KnownRenames, StepRenames
from tests.engine.compiler.test_compiler import AROUND
from tests.engine.workflows.editing.model import EXTRA, SEEDS, Random, apply, styles
from tests.few import examples

FILE = "workflows/work.json"
Ops = Sequence[Mapping[str, Any]]


def renamer(file: JsonFile, renames: StepRenames) -> Any:
    return rename_splices(file, "work", AROUND, renames, needs_plan=False)


def edited(text: str, ops: Ops) -> str:
    return applied(text, FILE, operations([*ops]), renamer).text if ops else text


def merged(base: str, main: str, branch: str, choices: Choices | None = None) -> Merge:
    return merge(MergeTexts(base, main, branch), FILE, renamer, choices or {})


def step(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "title": f"Step {id_}", "uses": "flow.set", "with": {"values": {"a": 1, "b": id_}}, **more}


WORK: dict[str, Any] = {
    "schema_version": 1,
    "title": "Work",
    "inputs": {"type": "object", "properties": {"n": {"type": "integer"}}},
    "triggers": [
        {"id": "daily", "uses": "schedule", "with": {"cron": "0 7 * * *"}},
        {"id": "late", "uses": "schedule", "with": {"cron": "0 23 * * *"}},
    ],
    "steps": [
        step("one"),
        step("two", note="as it was"),
        {"id": "group", "foreach": "{{ [1] }}", "steps": [step("in_a"), step("in_b"), step("in_c")]},
        step("guarded", on_error={"steps": [step("else_a"), step("else_b")]}),
        step("three"),
        step("four"),
    ],
    "outputs": {"a": "{{ steps.one.output.a }}"},
    "on_failure": [step("after_a"), step("after_b")],
}
TEXT = canonical(WORK, "workflow")
LEAVES = [one.step.id for one in step_nodes(WORK) if one.step.id not in ("group", "guarded")]


def an_edit(chance: random.Random, id_: str) -> list[dict[str, Any]]:
    """Edits of one step, or beside it."""
    return chance.choice(
        [
            [],
            [{"op": "set", "step": id_, "field": "with.values.a", "value": chance.randint(2, 9)}],
            [{"op": "set", "step": id_, "field": "title", "value": "Other"}],
            [{"op": "set", "step": id_, "field": "retry", "value": {"attempts": 2}}],
            [{"op": "unset", "step": id_, "field": "with.values.b"}],
            [{"op": "notes", "step": id_, "text": "so"}],
            [{"op": "add", "step": {**step(f"new_{id_}"), "uses": "flow.assert"}, "after": id_}],
            [{"op": "replace_step", "step": id_, "new": {"uses": "flow.wait", "with": {"seconds": 0}}}],
            [{"op": "remove", "steps": [id_]}],
            [{"op": "rename", "step": id_, "to": f"{id_}_x"}],
        ]
    )


TOPS: Sequence[tuple[Ops, Ops]] = [
    ([{"op": "set", "field": "title", "value": "A"}], [{"op": "set", "field": "description", "value": "B"}]),
    (
        [{"op": "set", "field": ["triggers", 0, "with", "cron"], "value": "1 1 * * *"}],
        [{"op": "unset", "field": ["triggers", 1]}],
    ),
    (
        [{"op": "set", "field": "inputs.properties.m", "value": {"type": "string"}}],
        [{"op": "set", "field": "inputs.properties.n.default", "value": 3}, {"op": "unset", "field": "outputs"}],
    ),
]


@pytest.mark.slow
@examples(15)  # each renames and compiles several times
@given(st.integers(0, 10**9), st.sampled_from(list(styles(WORK))))
def test_edits_of_different_steps_have_the_meaning_of_both_in_either_order(seed: int, style: str) -> None:
    chance, text = random.Random(seed), styles(WORK)[style]
    edits: list[list[dict[str, Any]]] = [[], []]
    for id_ in LEAVES:
        edits[chance.randint(0, 1)] += an_edit(chance, id_)
    for ops, top in zip(edits, chance.choice(TOPS), strict=True):
        ops += [{**one} for one in top]
    one, other = (edited(text, ops) for ops in edits)
    there, back = merged(text, one, other), merged(text, other, one)
    assert there.conflicts == back.conflicts == []
    both = json.loads(edited(one, edits[1]))
    assert is_alike(json.loads(there.text), both)
    assert is_alike(json.loads(back.text), both)
    assert unchanged_lines(one, there.text, both) == []


def unchanged_lines(main: str, text: str, both: Any) -> list[str]:
    """The lines of steps that the merge had no reason to change, and did."""
    kept = [node.step for node in step_nodes(json.loads(main)) if not node.step.is_group and node.step.id != "guarded"]
    same = {one.id for node in step_nodes(both) for one in kept if one.json == node.step.json}
    return [id_ for id_ in same if own_text(main, id_) != own_text(text, id_)]


def own_text(text: str, id_: str) -> str:
    from engine.documents.json_splice import span
    from engine.workflows.editing.steps_in_text import read

    found = read(text, FILE)
    start, end = span(found.file, found.node(id_).place)
    return text[start:end]


@pytest.mark.slow
@examples(30)
@given(st.sampled_from(SEEDS), st.integers(0, 10**9))
def test_an_unchanged_side_changes_nothing(seed: Any, number: int) -> None:
    for style in ("four", "windows", "airy"):
        text, chance = styles(seed)[style], Random(number)
        document = seed
        for _ in range(3):
            document = apply(document, chance.operation(document))
        other = json.dumps(document, indent=3)
        assert merged(text, other, text) == Merge(other, [], [])
        taken = merged(text, text, other)
        assert taken.conflicts == []
        assert is_alike(json.loads(taken.text), document)
        assert merged(text, other, other).text == other


@pytest.mark.slow
@examples(35)
@given(st.sampled_from([*SEEDS, WORK]), st.integers(0, 10**9))
def test_no_change_is_lost_unless_a_person_has_decided_so(seed: Any, number: int) -> None:
    """Whatever both sides do: with every conflict decided for a side, all of that side is there."""
    base, sides = canonical(seed, "workflow"), dict[Side, Any]()
    for name in SIDES:
        document, chance = seed, Random(number + len(name), f"_{name}")
        for _ in range(chance.random.randint(1, 4)):
            document = apply(document, chance.operation(document))
        sides[name] = document
    main, branch = (json.dumps(sides[name], indent=2) for name in SIDES)
    for name in SIDES:
        made, choices = merged(base, main, branch), dict[str, Side]()
        while any(not one.taken for one in made.conflicts):
            choices |= {one.place: name for one in made.conflicts}
            made = merged(base, main, branch, choices)
        result = json.loads(made.text)
        assert lost(seed, sides[name], result, dict(made.renames)) == [], (name, made.conflicts)
        other: Side = "branch" if name == "main" else "main"
        if not made.conflicts:
            assert lost(seed, sides[other], result, dict(made.renames)) == []


def lost(before: Any, after: Any, result: Any, renames: Mapping[str, str]) -> list[Any]:
    """The changes from one document to another that a result does not have."""
    known = [(node.step.id, node) for node in step_nodes(result)]
    steps, homes = {id_: node.step.json for id_, node in known}, {id_: home(node) for id_, node in known}
    wanted = {node.step.id: home(node) for node in step_nodes(after)}
    found: list[Any] = []
    for one in changes(before, after):
        id_ = one.step.id if one.step is not None else ""
        if one.kind == "removed":
            found += [one] if id_ in steps and one.step is not None and one.step.json == steps[id_] else []
        elif one.kind == "renamed":
            found += [one] if one.after not in steps else []
        elif id_ in renames:
            found += [one] if renames[id_] not in steps else []
        elif id_ and id_ not in steps:
            found.append(one)
        elif one.kind in ("moved", "added"):
            found += [one] if homes[id_] != wanted[id_] else []
        elif one.field[0] not in ("on_error", "on_failure", "triggers", "id"):
            holder = steps[id_] if id_ else result
            source = next(n.step.json for n in step_nodes(after) if n.step.id == id_) if id_ else after
            found += [one] if not includes(value(holder, one.field), value(source, one.field)) else []
    return found


def includes(there: Any, wanted: Any) -> bool:
    if isinstance(there, dict) and isinstance(wanted, dict):
        return all(key in there and includes(there[key], one) for key, one in wanted.items())
    return is_alike(there, wanted)


def home(node: Any) -> str:
    return f"{node.parent.step.id} {node.replaces_parent}" if node.parent else str(node.place[0])


def value(holder: Any, path: Sequence[str]) -> Any:
    for part in path:
        holder = holder.get(part, "absent") if isinstance(holder, dict) else "absent"
    return holder


def set_(id_: str, field: str, new: Any) -> dict[str, Any]:
    return {"op": "set", "step": id_, "field": field, "value": new}


CLASHES: Mapping[str, tuple[Ops, Ops, str, str, str]] = {
    "field": (
        [set_("one", "with.values.a", 2)],
        [set_("one", "with.values.a", 3)],
        "steps.one.with.values.a",
        "Step one: values.a now takes 2",
        "Step one: values.a now takes 3",
    ),
    "workflow": (
        [{"op": "set", "field": "title", "value": "A"}],
        [{"op": "set", "field": "title", "value": "B"}],
        "title",
        'The title is now "A"',
        'The title is now "B"',
    ),
    "trigger": (
        [{"op": "set", "field": ["triggers", 0, "with", "cron"], "value": "1 1 * * *"}],
        [{"op": "unset", "field": ["triggers", 0]}],
        "triggers.daily",
        "Trigger daily is now",
        "Trigger daily was removed",
    ),
    "removed": (
        [set_("one", "title", "First")],
        [{"op": "remove", "steps": ["one"]}],
        "steps.one",
        'Step one: the title is now "First"',
        "Step one was removed",
    ),
    "removed with its group": (
        [{"op": "remove", "steps": ["group"]}],
        [set_("in_b", "title", "B")],
        "steps.group",
        "Step group was removed",
        'Step in_b: the title is now "B"',
    ),
    "added to a removed group": (
        [{"op": "add", "step": step("new"), "into": "group"}],
        [{"op": "remove", "steps": ["group"]}],
        "steps.group",
        "Step new was added after in_c in group",
        "Step group was removed",
    ),
    "added twice": (
        [{"op": "add", "step": step("new"), "after": "one"}],
        [{"op": "add", "step": step("new", note="other"), "after": "one"}],
        "steps.new",
        "Step new was added after one",
        "Step new was added after one",
    ),
    "moved": (
        [{"op": "move", "steps": ["one"], "into": "group"}],
        [{"op": "move", "steps": ["one"], "into": "on_failure"}],
        "steps.one.@place",
        "Step one was moved after in_c in group",
        "Step one was moved after after_b in on_failure",
    ),
    "renamed": (
        [{"op": "rename", "step": "one", "to": "first"}],
        [{"op": "rename", "step": "one", "to": "uno"}],
        "steps.one.id",
        "Step one is now called first",
        "Step one is now called uno",
    ),
    "another type, and other arguments": (
        [{"op": "set", "step": "one", "field": "uses", "value": "flow.assert"}],
        [set_("one", "with.values.b", "x")],
        "steps.one",
        "Step one: it now uses flow.assert",
        'Step one: values.b now takes "x"',
    ),
    "a fallback that is gone": (
        [{"op": "set", "step": "guarded", "field": "on_error", "value": "continue"}],
        [{"op": "add", "step": step("new"), "into": "guarded.on_error"}],
        "steps.guarded",
        "Step guarded: if it fails, the run goes on",
        "Step new was added after else_b in guarded.on_error",
    ),
    "steps after a failure that are gone": (
        [{"op": "unset", "field": "on_failure"}],
        [{"op": "add", "step": step("new"), "into": "on_failure"}],
        "on_failure",
        "The field on_failure was removed",
        "Step new was added after after_b in on_failure",
    ),
}


@pytest.mark.parametrize(("main", "branch", "place", "in_main", "in_branch"), CLASHES.values(), ids=CLASHES)
def test_a_clash_is_told_in_sentences_and_decided_for_either_side(
    main: Ops, branch: Ops, place: str, in_main: str, in_branch: str
) -> None:
    texts = TEXT, edited(TEXT, main), edited(TEXT, branch)
    undecided = merged(*texts)
    conflict = next(one for one in undecided.conflicts if one.place == place)
    assert conflict.in_main.startswith(in_main)
    assert conflict.in_branch.startswith(in_branch)
    assert conflict.taken == ""
    for side, wanted in zip(SIDES, texts[1:], strict=True):
        choices: dict[str, Side] = {one.place: side for one in undecided.conflicts}
        made = merged(*texts, choices)
        assert [one.taken for one in made.conflicts] == [side] * len(made.conflicts)
        assert is_alike(json.loads(made.text), json.loads(wanted)), side
    assert undecided.text == merged(*texts, {one.place: "main" for one in undecided.conflicts}).text


def test_groups_that_are_each_put_into_the_other_are_a_conflict() -> None:
    groups = [{"id": id_, "title": id_, "steps": [step(f"in_{id_}")]} for id_ in ("g", "h")]
    base = json.dumps({**WORK, "steps": groups, "outputs": {}})
    main = edited(base, [{"op": "move", "steps": ["g"], "into": "h"}])
    branch = edited(base, [{"op": "move", "steps": ["h"], "into": "g"}])
    made = merged(base, main, branch)
    assert {one.place for one in made.conflicts} == {"steps.g.@place", "steps.h.@place"}
    for side, wanted in zip(SIDES, (main, branch), strict=True):
        choices: dict[str, Side] = {one.place: side for one in made.conflicts}
        assert is_alike(json.loads(merged(base, main, branch, choices).text), json.loads(wanted))


def test_a_value_of_ones_own_settles_a_field() -> None:
    texts = TEXT, edited(TEXT, [set_("one", "with.values.a", 2)]), edited(TEXT, [set_("one", "with.values.a", 3)])
    made = merged(*texts, {"steps.one.with.values.a": Value({"x": 4})})
    assert is_alike(json.loads(made.text), json.loads(edited(TEXT, [set_("one", "with.values.a", {"x": 4})])))
    with pytest.raises(UnknownName, match="no conflict named 'title'"):
        merged(*texts, {"title": "main"})
    removed = edited(TEXT, [{"op": "remove", "steps": ["one"]}])
    with pytest.raises(InvalidInput, match="is not one field"):
        merged(TEXT, texts[1], removed, {"steps.one": Value(1)})


def test_a_rename_reaches_what_the_other_side_has_written_since() -> None:
    new = step("new") | {"with": {"values": {"a": "{{ steps.one.output.a }}"}}}
    main = edited(TEXT, [{"op": "add", "step": new, "after": "four"}, set_("one", "title", "First")])
    branch = edited(TEXT, [{"op": "rename", "step": "one", "to": "first"}, set_("one", "note", "n")][:1])
    made = merged(TEXT, main, branch)
    assert (made.conflicts, made.renames) == ([], [("one", "first")])
    document = json.loads(made.text)
    assert document["outputs"] == {"a": "{{ steps.first.output.a }}"}
    assert document["steps"][-1]["with"] == {"values": {"a": "{{ steps.first.output.a }}"}}
    assert (document["steps"][0]["id"], document["steps"][0]["title"]) == ("first", "First")
    assert merged(TEXT, branch, main).renames == []


def test_a_workflow_with_the_same_id_twice_is_not_merged() -> None:
    twice = json.dumps({**WORK, "steps": [step("one"), step("one")]})
    with pytest.raises(InvalidFile, match="each id may occur once"):
        merged(TEXT, TEXT, twice)


def test_the_id_of_the_workflow_is_not_merged() -> None:
    base, main, branch = (json.dumps({**EXTRA, **more}) for more in ({}, {"id": "x"}, {"id": "y", "title": "T"}))
    assert is_alike(json.loads(merged(base, main, branch).text), {**EXTRA, "id": "x", "title": "T"})


def post(id_: str, url: str) -> dict[str, Any]:
    return {"id": id_, "uses": "http.request", "connection": "web", "with": {"method": "POST", "url": url}}


def test_a_write_counts_as_renamed_only_if_somebody_has_said_so() -> None:
    """One that was put in the place of another is similar, too: its receipts are its own."""
    loop = {"id": "each", "foreach": "{{ [1] }}", "steps": [post("inner", "http://a/")]}
    quiet = {"uses": "flow.set", "with": {"values": {"x": 1}}}
    base, branch = (
        json.dumps({**WORK, "steps": [post(id_, url), {**loop, "id": around}, {**quiet, "id": harmless}]})
        for id_, url, around, harmless in (("ops", "http://a/", "each", "a"), ("hr", "http://b/", "every", "b"))
    )
    main = edited(base, [set_("ops", "note", "changed in main")])
    guessed = merged(base, main, branch)
    assert [one.place for one in guessed.conflicts] == ["steps.ops"], "removed in the branch, and changed in main"
    assert (guessed.renames, guessed.followed) == ([("a", "b")], [])
    known = KnownRenames(branch=[("ops", "hr"), ("gone", "hr2")])
    said = merge(MergeTexts(base, main, branch), FILE, renamer, {}, known)
    assert (said.conflicts, said.followed) == ([], [("ops", "hr")])
    first = json.loads(said.text)["steps"][0]
    assert (first["id"], first["note"], first["with"]["url"]) == ("hr", "changed in main", "http://b/")
    back = merge(MergeTexts(base, branch, main), FILE, renamer, {}, KnownRenames(main=[("ops", "hr")]))
    assert (back.conflicts, back.followed, json.loads(back.text)["steps"][0]["id"]) == ([], [], "hr")


def test_different_places_never_look_the_same() -> None:
    """Neither the fields of `{"a.b": …, "a": {"b": …}}`, nor one that is called like the place of a step."""
    fields: list[list[str]] = [["a.b"], ["a", "b"], ['["a"', "b"], ["@place"], ["with space"]]

    def text(value: int) -> str:
        found = dict[str, Any]()
        for path in fields:
            inner = found
            for key in path[:-1]:
                inner = inner.setdefault(key, {})
            inner[path[-1]] = value
        return json.dumps({**WORK, "steps": [{**step("one"), "with": {"values": found}}]})

    texts = text(1), text(2), text(3)
    places = [one.place for one in merged(*texts).conflicts]
    begin = "steps.one.with.values"
    wanted = ['["a.b"]', ".a.b", '["[\\"a\\""].b', '["@place"]', '["with space"]']
    assert sorted(places) == sorted(f"{begin}{one}" for one in wanted)
    choices: dict[str, Side] = dict.fromkeys(places, "main")
    made = merged(*texts, {**choices, f'{begin}["a.b"]': "branch"})
    values = json.loads(made.text)["steps"][0]["with"]["values"]
    assert (values["a.b"], values["a"]["b"]) == (3, 2)


class Counted(str):
    """An id that counts how often it is compared."""

    __slots__ = ()
    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)


def test_the_order_of_many_steps_is_found_without_comparing_each_with_each() -> None:
    count = 300
    base, theirs, mine = ([Counted(f"{name}{number}") for number in range(count)] for name in ("base", "main", "own"))
    lists = base, [*base[:200], *theirs, *base[200:]], [*base[:100], *mine, *base[100:][::-1]]
    before, main, branch = (Outline({}, {}, {"": [*ids]}) for ids in lists)
    Counted.compared = 0
    found = ordered("", {*base, *theirs, *mine}, before, main, branch, lambda _: "main")
    assert Counted.compared < 30 * count
    assert len(found) == 3 * count
    assert found[100 : 100 + count] == mine


def test_a_step_that_was_put_into_a_list_that_is_gone_is_decided_by_a_person() -> None:
    main = edited(TEXT, [{"op": "move", "steps": ["after_a"], "into": "guarded.on_error"}])
    branch = edited(TEXT, [{"op": "unset", "step": "guarded", "field": "on_error"}])
    [asked] = merged(TEXT, main, branch).conflicts
    assert asked.place == "steps.guarded"
    kept, dropped = (json.loads(merged(TEXT, main, branch, {asked.place: side}).text) for side in SIDES)
    homes = [{node.step.id: home(node) for node in step_nodes(one)}["after_a"] for one in (kept, dropped)]
    assert homes == ["guarded True", "on_failure"]
