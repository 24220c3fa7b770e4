"""Drafts that are edited by operations: undo and redo, several windows, repeated requests, and saving."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random as Dice
from typing import Any

import pytest

from engine.base.errors import EditConflict, InvalidInput, StaleEdit
from engine.base.step_tree import step_nodes
from engine.documents.json_splice import spliced
from engine.files import atomic as files
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workflows.editing.editing import Edited
from engine.workspace.drafts import Draft, Drafts, Kind
from tests.engine.workflows.editing.model import Random, apply
from tests.patience import PATIENCE_SECONDS

ADA, BOB = Principal("ada", "editor"), Principal("bob", "editor")
TEXT = """{"schema_version": 1, "title": "Work", "steps": [
   {"id": "first",   "uses": "flow.set", "with": {"values": {"n": 1}}},
   {"id": "second", "uses": "flow.set", "with": {"values": {"n": "{{ steps.first.output.n }}", "first": 2}}}
]}
"""


def opened(root: Path) -> Orchestra:
    root.mkdir(exist_ok=True)
    (root / "config.yaml").write_text("")
    return Orchestra.open(root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "work.json").write_text(TEXT)
    return tmp_path


@pytest.fixture
def orchestra(root: Path) -> Iterator[Orchestra]:
    orchestra = opened(root)
    yield orchestra
    orchestra.close()


class Window:
    """A window of Ada's: what it has seen of her draft."""

    def __init__(self, orchestra: Orchestra, who: Principal = ADA) -> None:
        self.editing, self.who, self.text, self.rev = orchestra.editing, who, "", ""
        self.reload()

    def reload(self) -> None:
        seen = self.editing.canvas(self.who, "work")
        self.text, self.rev = seen.text, seen.rev

    def do(self, *ops: Any, op_id: str = "") -> Edited:
        return self.take(self.editing.apply(self.who, "work", self.rev, [*ops], op_id))

    def undo(self) -> Edited:
        return self.take(self.editing.undo(self.who, "work", self.rev))

    def redo(self) -> Edited:
        return self.take(self.editing.redo(self.who, "work", self.rev))

    def take(self, edited: Edited) -> Edited:
        """Follow a change by its splices, as a browser does."""
        assert edited.text is not None or edited.base == self.rev
        self.text = spliced(self.text, edited.splices) if edited.text is None else edited.text
        self.rev = edited.rev
        return edited


def titled(step: str, title: str) -> dict[str, Any]:
    return {"op": "set", "step": step, "field": "title", "value": title}


def test_each_change_can_be_undone_and_redone_also_after_a_restart(root: Path) -> None:
    orchestra = opened(root)
    window, texts = Window(orchestra), [TEXT]
    for op in (
        titled("first", "A"),
        {"op": "rename", "step": "first", "to": "begin"},
        {"op": "remove", "steps": ["second"]},
    ):
        window.do(op)
        texts.append(window.text)
    assert '"n": "{{ steps.begin.output.n }}", "first": 2' in texts[2]
    orchestra.close()
    orchestra = opened(root)
    window = Window(orchestra)
    assert window.text == texts[3]
    for text in texts[2::-1]:
        window.undo()
        assert window.text == text
    with pytest.raises(InvalidInput, match="nothing to undo"):
        window.undo()
    for text in texts[1:]:
        window.redo()
        assert window.text == text
    window.undo()
    assert not window.do(titled("begin", "B")).can_redo
    orchestra.close()


def test_a_text_typed_in_the_editor_is_one_change_of_the_same_history(orchestra: Orchestra) -> None:
    window = Window(orchestra)
    window.do(titled("first", "A"))
    before = window.text
    typed = before.replace('"A"', '"typed"').replace("   {", "  {")
    orchestra.drafts.keep(ADA, "workflow", "work", typed, "e")
    with pytest.raises(EditConflict):
        window.undo()
    window.reload()
    assert window.undo().words == "text edited"
    assert window.text == before
    window.undo()
    assert window.text == TEXT
    window.redo()
    window.redo()
    assert window.text == typed


def test_a_half_typed_text_is_told_and_its_undo_still_works(orchestra: Orchestra) -> None:
    window = Window(orchestra)
    window.do(titled("first", "A"))
    orchestra.drafts.keep(ADA, "workflow", "work", window.text + "{", "e")
    window.reload()
    with pytest.raises(Exception, match="after the end"):
        window.do(titled("first", "B"))
    window.undo()
    window.do(titled("first", "B"))


def test_a_repeated_request_changes_nothing(orchestra: Orchestra) -> None:
    window, other = Window(orchestra), Window(orchestra)
    add = {"op": "add", "step": {"id": "third", "uses": "flow.set", "with": {"values": {}}}}
    window.do(add, op_id="x1")
    other.do(titled("first", "A"), op_id="x2")
    for base in (other.rev, files.etag(TEXT)):
        again = orchestra.editing.apply(ADA, "work", base, [add], "x1")
        assert again.rev == other.rev
        assert again.text == other.text
    with pytest.raises(InvalidInput, match="other operations"):
        orchestra.editing.apply(ADA, "work", other.rev, [titled("first", "B")], "x1")


def test_an_answer_fits_its_splices_whatever_another_window_does_meanwhile(
    orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, revise = Window(orchestra), Drafts.revise

    def overtaken(self: Drafts, p: Principal, kind: Kind, name: str, known: Draft | None, new: Draft) -> bool:
        is_done = revise(self, p, kind, name, known, new)
        self.drop(p, kind, name)
        return is_done

    with monkeypatch.context() as patch:
        patch.setattr(Drafts, "revise", overtaken)
        window.do(titled("first", "A"))
    assert window.rev == files.etag(window.text)


def test_an_operation_that_changes_nothing_is_no_change(orchestra: Orchestra) -> None:
    window = Window(orchestra)
    same = {"op": "set", "step": "first", "field": "uses", "value": "flow.set"}
    assert not window.do(same).can_undo
    assert not orchestra.editing.canvas(ADA, "work").is_draft
    window.do(titled("first", "A"))
    window.undo()
    assert window.do(same).can_redo
    assert window.rev == files.etag(TEXT)


def test_two_hundred_changes_can_be_undone(orchestra: Orchestra) -> None:
    window = Window(orchestra)
    for number in range(201):
        window.do(titled("first", str(number)))
    for _ in range(200):
        window.undo()
    assert window.redo().can_redo


def test_a_rename_and_a_new_title_are_one_version_and_two_sentences(orchestra: Orchestra) -> None:
    done = orchestra.editing.edit_file(
        ADA, "work", [{"op": "rename", "step": "second", "to": "two"}, titled("two", "Two")]
    )
    assert done.differences == ["Step second is now called two", 'two: the title is now "Two"']
    assert orchestra.versions.differences(ADA, "work") == done.differences


def test_a_version_is_compared_with_the_one_before_it(orchestra: Orchestra) -> None:
    for step, title in (("first", "A"), ("second", "B"), ("first", "C")):
        orchestra.editing.edit_file(ADA, "work", [titled(step, title)])
    second = orchestra.versions.list(ADA, "work")[1]
    assert orchestra.versions.differences(ADA, "work", new=second.id) == ['second: the title is now "B"']
    orchestra.editing.edit_file(ADA, "work", [titled("first", "Begin")])
    assert orchestra.versions.differences(ADA, "work") == ['C: the title is now "Begin"']


def test_a_late_operation_applies_unless_it_is_about_what_has_changed(orchestra: Orchestra) -> None:
    window, late = Window(orchestra), Window(orchestra)
    window.do(titled("first", "A"))
    assert late.do(titled("second", "B")).text is not None
    assert [step["title"] for step in json.loads(late.text)["steps"]] == ["A", "B"]
    with pytest.raises(EditConflict) as refused:
        window.do(titled("second", "C"))
    told = refused.value.details
    assert told["clashes_with"] == "set title of second"
    assert told["operation"] == "set title of second"
    assert told["theirs"] == late.text
    assert [step.get("title") for step in json.loads(told["yours"])["steps"]] == ["A", "C"]
    assert window.do(titled("second", "B")).rev == late.rev  # the same value is no clash
    late.do({"op": "remove", "steps": ["second"]})
    with pytest.raises(EditConflict, match="remove second"):
        window.do(titled("second", "D"))


def test_what_a_late_removal_has_not_seen_is_not_lost(orchestra: Orchestra) -> None:
    window, late = Window(orchestra), Window(orchestra)
    group = {"op": "wrap", "steps": ["second"], "group": {"id": "group"}}
    window.do(group)
    late.reload()
    window.do({"op": "add", "step": {"id": "third", "uses": "flow.set", "with": {"values": {}}}, "into": "group"})
    with pytest.raises(EditConflict, match="add third"):
        late.do({"op": "remove", "steps": ["group"]})


def test_drafts_are_of_one_person(orchestra: Orchestra) -> None:
    Window(orchestra).do(titled("first", "A"))
    assert Window(orchestra, BOB).text == TEXT


def test_positions_follow_steps_into_a_group_and_out_of_it(orchestra: Orchestra) -> None:
    orchestra.workflows.move_steps(ADA, "work", {"first": [1, 2], "second": [3, 4]})
    for op, paths in (
        ({"op": "wrap", "steps": ["second"], "group": {"id": "group"}}, {"first", "group.second"}),
        ({"op": "unwrap", "step": "group"}, {"first", "second"}),
    ):
        file = orchestra.workflows.get(ADA, "work")
        window = Window(orchestra)
        window.do(op)
        orchestra.editing.save(ADA, "work", window.text, file.etag)
        assert set(orchestra.workflows.positions(ADA, "work")) == paths
        assert not orchestra.editing.canvas(ADA, "work").is_draft


def test_a_save_over_another_one_tells_what_differs(orchestra: Orchestra) -> None:
    file = orchestra.workflows.get(ADA, "work")
    orchestra.editing.edit_file(BOB, "work", [titled("first", "Bob's")])
    with pytest.raises(StaleEdit) as refused:
        orchestra.editing.save(ADA, "work", file.text, file.etag)
    assert refused.value.details["differences"] == ["Bob's: it no longer has a title"]
    assert refused.value.details["etag"] == orchestra.workflows.get(ADA, "work").etag


def test_the_scope_of_a_step_has_what_is_finished_and_tells_what_may_be_missing(orchestra: Orchestra) -> None:
    ops = [
        {"op": "set", "step": "first", "field": "if", "value": "{{ inputs.n > 1 }}"},
        {"op": "set", "field": "inputs.properties.n", "value": {"type": "integer", "title": "How many", "default": 2}},
        {"op": "unset", "step": "second", "field": "with.values.n"},
        {"op": "wrap", "steps": ["second"], "group": {"id": "each", "foreach": "{{ ['a'] }}", "as": "word"}},
        {"op": "add", "step": {"id": "last", "uses": "flow.set", "with": {"values": {"n": 1}}}},
    ]
    orchestra.editing.edit_file(ADA, "work", ops)
    found = {one.name: one for one in orchestra.editing.scope(ADA, "work", "second")}
    assert (found["steps.first.output.n"].type, found["steps.first.output.n"].may_be_missing) == ("integer", True)
    assert (found["word"].type, found["word"].may_be_missing) == ("string", False)
    assert (found["inputs.n"].type, found["inputs.n"].title, found["inputs.n"].sample) == ("integer", "How many", None)
    assert not [name for name in found if name.startswith(("steps.last", "steps.each"))]
    orchestra.runs.wait(ADA, orchestra.runs.start(ADA, "work", {"n": 7}), PATIENCE_SECONDS)
    found = {one.name: one for one in orchestra.editing.scope(ADA, "work", "last")}
    assert found["inputs.n"].sample == "7"
    assert found["steps.first.output.n"].sample == "1"
    assert "word" not in found
    outputs = {one.name for one in orchestra.editing.scope(ADA, "work", "")}
    assert {"inputs.n", "steps.last.output.n"} <= outputs
    assert "word" not in outputs


def test_the_scope_of_a_step_tells_what_somebody_else_wrote(orchestra: Orchestra) -> None:
    read = {"id": "read", "uses": "gmail.search_messages", "with": {"query": "in:inbox"}}
    text = {"id": "text", "uses": "flow.set", "with": {"values": {"mine": 1, "text": "{{ mail.subject }}"}}}
    later = {"id": "later", "uses": "flow.set", "with": {"values": {"n": 1}}}
    each = {"id": "each", "foreach": "{{ steps.read.output.messages }}", "as": "mail", "steps": [text, later]}
    ops = [{"op": "add", "step": read}, {"op": "add", "step": each}]
    orchestra.editing.edit_file(ADA, "work", ops)
    found = {one.name: one.from_outside for one in orchestra.editing.scope(ADA, "work", "later")}
    assert found["mail.subject"] is found["steps.text.output.text"] is True
    assert found["mail.id"] is found["steps.text.output.mine"] is found["index"] is False


def test_the_scope_of_a_step_begins_with_what_is_nearest(orchestra: Orchestra) -> None:
    def step(id_: str) -> dict[str, Any]:
        return {"id": id_, "uses": "flow.set", "with": {"values": {"n": 1}}}

    inner = {"id": "inner", "foreach": "{{ [1] }}", "as": "number", "steps": [step("near"), step("it")]}
    outer = {"id": "outer", "foreach": "{{ ['a'] }}", "as": "word", "steps": [inner]}
    properties = {"n": {"type": "integer", "default": 1}}
    ops = [
        {"op": "set", "field": "inputs.properties", "value": properties},
        {"op": "add", "step": outer},
        {"op": "add", "step": step("later")},
    ]
    orchestra.editing.edit_file(ADA, "work", ops)
    wholes = [one.name for one in orchestra.editing.scope(ADA, "work", "it") if one.type != "function"]
    wholes = [name for name in wholes if name.count(".") in (0, 2)]
    variables = ["inputs", "steps.second.output", "steps.first.output", "index", "key", "run"]
    assert [name for name in wholes if not name.endswith(".n")] == ["steps.near.output", "number", "word", *variables]


def test_the_scope_of_a_step_has_the_fields_of_the_first_items_of_lists(orchestra: Orchestra) -> None:
    read = {"id": "read", "uses": "gmail.search_messages", "with": {"query": "in:inbox"}}
    query = {"statement": "SELECT id, name FROM customers"}
    rows = {"id": "rows", "uses": "sql.query", "with": query}
    later = {"id": "later", "uses": "flow.set", "with": {"values": {"n": 1}}}
    orchestra.editing.edit_file(ADA, "work", [{"op": "add", "step": one} for one in (read, rows, later)])
    listed = [one for one in orchestra.editing.scope(ADA, "work", "later") if one.type != "function"]
    found = {one.name: one for one in listed}
    subject, name = found["steps.read.output.messages[0].subject"], found["steps.rows.output.rows[0].name"]
    assert (subject.type, subject.may_be_missing, subject.from_outside) == ("string", True, True)
    assert (name.may_be_missing, name.from_outside) == (True, True)
    assert not found["steps.read.output.messages[0].id"].from_outside
    of_items = ["[0]" in one.name for one in listed]
    assert of_items == sorted(of_items), "the names of values themselves come first"
    [sort] = [one for one in orchestra.editing.scope(ADA, "work", "later") if one.name == "x.sort()"]
    assert sort.title == """numbers or texts in order: ['b', 'a'].sort() is ["a","b"]"""


def test_two_windows_end_with_the_same_draft_and_nothing_is_lost(orchestra: Orchestra) -> None:
    accepted = exchange(orchestra, 1, 100)  # ten thousand: chaos.py
    assert accepted > 50


def exchange(orchestra: Orchestra, seed: int, count: int) -> int:
    """Let two windows edit by turns that they do not agree on; return how many operations were accepted.

    After each, the draft is what the operation makes of the document before it, and a window has only changed values
    that it has seen.
    """
    dice, windows = Dice(seed), [Window(orchestra), Window(orchestra)]
    ahead = [Random(seed * 2 + number, prefix=f"_{number}") for number in range(2)]
    document, accepted = json.loads(TEXT), 0
    for turn in range(count):
        number = dice.randrange(2)
        window = windows[number]
        if dice.random() < 0.1:
            window.reload()
        seen = json.loads(window.text)
        op = ahead[number].operation(seen)
        try:
            window.do(op, op_id=f"{number}-{turn}")
        except EditConflict:
            window.reload()
            continue
        before, document = document, apply(document, op)
        accepted += 1
        assert same(json.loads(window.text), document), op
        now, known = leaves(document), leaves(seen)
        for place, value in leaves(before).items():
            assert value in (now.get(place), known.get(place), "{}"), (op, place)  # an empty object is nothing to lose
    for window in windows:
        window.reload()
    assert windows[0].text == windows[1].text
    assert same(json.loads(windows[0].text), document)
    return accepted


def same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def leaves(document: Any) -> dict[tuple[str, ...], str]:
    """Every value of the workflow and of its steps, by id and field."""
    found: dict[tuple[str, ...], str] = {}

    def look(value: Any, place: tuple[str, ...]) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                look(inner, (*place, key))
        else:
            found[place] = json.dumps(value)

    look({key: one for key, one in document.items() if key not in ("steps", "on_failure")}, ("",))
    for node in step_nodes(document):
        look({key: one for key, one in node.step.json.items() if key not in ("steps", "on_error")}, (node.step.id,))
    return found


def test_line_ends_and_a_byte_order_mark_stay(root: Path, orchestra: Orchestra) -> None:
    file = root / "workflows" / "work.json"
    before = b"\xef\xbb\xbf" + TEXT.replace('"title"', '"id": "work", "title"').replace("\n", "\r\n").encode()
    file.write_bytes(before)
    orchestra.editing.edit_file(ADA, "work", [titled("first", "One")])
    after = file.read_bytes()
    assert b'"title": "One"' in after
    assert after.startswith(b"\xef\xbb\xbf{")
    assert after.count(b"\n") == after.count(b"\r\n") == before.count(b"\n")
    orchestra.editing.edit_file(ADA, "work", [{"op": "unset", "step": "first", "field": "title"}])
    assert file.read_bytes() == before


WRITING = json.dumps(
    {
        "schema_version": 1,
        "id": "work",
        "steps": [
            {"id": "read", "uses": "flow.set", "with": {"values": {"n": 1}}},
            {"id": "send", "uses": "http.request", "with": {"method": "POST", "url": "http://127.0.0.1:1/x"}},
            {"id": "group", "steps": [{"id": "inner", "uses": "flow.set", "with": {"values": {}}}]},
        ],
    },
    indent=2,
)


@pytest.mark.parametrize(
    ("ops", "warned"),
    [
        (
            [{"op": "wrap", "steps": ["send"], "group": {"id": "g"}}],
            "Step send: it writes again what was written from send",
        ),
        ([{"op": "move", "steps": ["send"], "into": "group"}], "which is now group.send"),
        ([{"op": "move", "steps": ["send"], "before": "read"}], ""),
        ([{"op": "wrap", "steps": ["read"], "group": {"id": "g"}}], ""),
        ([{"op": "rename", "step": "send", "to": "post"}], ""),
        (
            [{"op": "rename", "step": "send", "to": "post"}, {"op": "move", "steps": ["post"], "into": "group"}],
            "group.post",
        ),
    ],
    ids=["wrapped", "moved in", "moved beside", "a read", "renamed", "renamed and moved in"],
)
def test_an_edit_says_which_writes_are_made_again(
    root: Path, orchestra: Orchestra, ops: list[Any], warned: str
) -> None:
    (root / "workflows" / "work.json").write_text(WRITING)
    drafted = Window(orchestra).do(*ops)
    seen = orchestra.editing.canvas(ADA, "work")
    shown = orchestra.editing.edit_file(ADA, "work", ops, save=False)
    saved = orchestra.editing.edit_file(ADA, "work", ops)
    for problems in (drafted.problems or [], seen.problems, shown.problems, saved.problems):
        found = [one for one in problems if one.code == "writes_again"]
        assert [warned in one.message for one in found] == [True] * bool(warned)
        assert all((one.severity, bool(one.remedy)) == ("warning", True) for one in found)
    for said in (shown.differences, saved.differences):
        assert len([one for one in said if "writes again" in one]) == bool(warned)


def test_a_group_that_is_taken_apart_says_so_for_all_that_is_inside(root: Path, orchestra: Orchestra) -> None:
    (root / "workflows" / "work.json").write_text(WRITING)
    orchestra.editing.edit_file(ADA, "work", [{"op": "wrap", "steps": ["send"], "group": {"id": "g"}}])
    done = orchestra.editing.edit_file(ADA, "work", [{"op": "unwrap", "step": "g"}])
    assert [one.step for one in done.problems if one.code == "writes_again"] == ["send"]
