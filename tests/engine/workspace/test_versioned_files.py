"""The contract of versioned files, for workflows, prompts, fragments, agents and tools alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine.agents.store import AgentStore
from engine.base.errors import InUse, InvalidFile, InvalidInput, OrchestraError, StaleEdit, StorageError, UnknownName
from engine.compiler.definition.environment import CURRENT
from engine.files.atomic import etag
from engine.prompts.prompts import PromptStore
from engine.tools.store import ToolStore
from engine.tools.versions import VersionedTools
from engine.workflows.environment_plans import EnvironmentPlans
from engine.workspace.versioned_files import VersionedFiles
from engine.workspace.workspace import Workspace

BY = "local:ann"
USED_BY = {
    "workflow": {"id": "a", "uses": "workflow.run", "with": {"workflow": "one"}},
    "prompt": {"id": "a", "uses": "llm.chat", "with": {"prompt": "one", "variables": {}}},
    "agent": {"id": "a", "uses": "agent.run", "with": {"agent": "one", "task": "x"}},
    "tool": {"id": "a", "uses": "tool.one", "with": {}},
}


class Kind:
    """The files of one kind in a workspace."""

    def __init__(self, kind: str, root: Path) -> None:
        self.kind, self.root, self.workspace = kind, root, Workspace(root)
        self.files = self.opened()

    def opened(self) -> VersionedFiles[Any]:
        """Return the files as another process would open them."""
        workspace = Workspace(self.root)
        opened: dict[str, Callable[[], VersionedFiles[Any]]] = {
            "workflow": lambda: EnvironmentPlans(workspace, lambda: pytest.fail("compiled"), str).versions,
            "prompt": lambda: PromptStore(workspace).versions,
            "fragment": lambda: PromptStore(workspace).fragments.versions,
            "agent": lambda: AgentStore(workspace).versions,
            "tool": lambda: VersionedTools(ToolStore(self.root), workspace),
        }
        return opened[self.kind]()

    def save(self, words: str, name: str = "one") -> str:
        """Save a text as the draft, and return it as it is found."""
        drafts, text = self.files.drafts, json.dumps({"title": words}, indent=2) + "\n"
        if isinstance(self.files, VersionedTools):
            content = {"tool.json": b"{}", "main.py": text.encode()}
            ToolStore(self.root).write(name, content)
            self.files.record(name, content, None, BY)
        else:
            known = etag(drafts.text(name)) if name in self.names() else None
            self.store.save(name, text, known, BY)
        return drafts.text(name)

    @property
    def store(self) -> Any:
        """The drafts, which for all but tools are a `FileStore`."""
        return self.files.drafts

    def names(self) -> list[str]:
        """Return the names of the drafts."""
        found: list[str] = (ToolStore(self.root) if self.kind == "tool" else self.store).names()
        return found

    def use(self, text: str | None = None) -> Path:
        """Write a file that uses `one`; return its path."""
        path = self.root / ("prompts" if self.kind == "fragment" else "workflows") / "user.json"
        named = {"role": "user", "content": "{{ fragment('one') }}"}
        found: dict[str, Any] = {"messages": [named]} if self.kind == "fragment" else {"steps": [USED_BY[self.kind]]}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found) if text is None else text)
        return path


@pytest.fixture(params=["workflow", "prompt", "fragment", "agent", "tool"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    """The files of each kind."""
    return Kind(request.param, tmp_path)


@pytest.fixture(params=["workflow", "prompt", "agent"])
def labelled(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    """The files of each kind whose versions have numbers and labels: two versions, and a third draft."""
    found = Kind(request.param, tmp_path)
    for words in ("first", "second"):
        found.files.make("one", found.save(words))
    found.save("third")
    return found


def lines(kind: Kind, name: str = "one") -> list[tuple[int | None, list[str]]]:
    return [(one.number, one.labels) for one in kind.files.list(name)]


def test_the_last_texts_are_listed_newest_first_and_found_by_their_ids(kind: Kind) -> None:
    texts = [kind.save(f"{number}") for number in range(22)]
    rows = kind.files.list("one")
    assert {(one.saved_by, one.number, tuple(one.labels)) for one in rows} == {(BY, None, ())}
    assert [kind.opened().find("one", one.id).text for one in rows] == texts[:1:-1]
    assert kind.files.find("one", CURRENT).text == texts[-1]
    assert kind.files.document("one", rows[0].id) == kind.files.document("one")
    assert kind.files.document("one", rows[1].id) != kind.files.document("one")


@pytest.mark.parametrize("name", ["../one", "A", "a/b", "", "con"])
def test_a_name_that_could_leave_the_folder_is_refused(kind: Kind, name: str) -> None:
    kind.save("first")
    acts: list[Callable[[], object]] = [
        lambda: kind.files.list(name),
        lambda: kind.files.find(name, CURRENT),
        lambda: kind.files.find(name, "1"),
        lambda: kind.files.numbers(name),
        lambda: kind.files.rename(name, "other", BY),
        lambda: kind.files.rename("one", name, BY),
        lambda: kind.files.delete(name),
    ]
    for act in acts:
        with pytest.raises((InvalidInput, UnknownName)):
            act()
    assert kind.names() == ["one"]


def test_what_is_not_there_is_said_in_the_same_words(kind: Kind) -> None:
    acts: list[Callable[[], object]] = [
        lambda: kind.files.list("gone"),
        lambda: kind.files.document("gone"),
        lambda: kind.files.rename("gone", "other", BY),
        lambda: kind.files.delete("gone"),
    ]
    for act in acts:
        with pytest.raises(UnknownName, match=f"There is no {kind.kind} named 'gone'"):
            act()
    kind.save("first")
    for version in ("9", "v2", "20260501T080000.000000Z-ada", "../../config"):
        with pytest.raises(UnknownName, match=f"no version of the {kind.kind} one named") as refused:
            kind.files.find("one", version)
        assert f"`orchestra {kind.kind}s versions one`" in refused.value.remedy


def test_a_number_names_a_text_that_never_changes(labelled: Kind) -> None:
    files = labelled.files
    first = files.version_text("one", 1)
    assert files.numbers("one") == [1, 2]
    assert files.make("one", first) == 1
    assert (files.find("one", "1").text, files.find("one", "1").words) == (first, "version 1")
    assert lines(labelled) == [(None, []), (2, []), (1, [])]
    path = files.drafts.folder / "one.versions" / "1.json"
    assert path.read_text() == first
    path.rename(path.with_name("3.json"))
    assert (labelled.opened().numbers("one"), files.next_number("one")) == ([2, 3], 4)
    with pytest.raises(UnknownName, match="no version of the"):
        files.version_text("one", 1)


def test_a_version_is_never_written_over(labelled: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled.files, "numbers", lambda _name: [])
    with pytest.raises(StorageError, match="a version never changes"):
        labelled.files.add("one", "other")
    assert labelled.opened().version_text("one", 1) != "other"


def test_a_damaged_version_hides_no_other(labelled: Kind) -> None:
    files = labelled.files
    (files.drafts.folder / "one.versions" / "1.json").write_bytes(b"\xff")
    assert lines(labelled) == [(None, []), (2, []), (None, []), (1, [])]
    with pytest.raises(InvalidFile, match=r"one\.versions/1\.json"):
        files.find("one", "1")
    assert files.make("one", files.version_text("one", 2)) == 2


def test_a_label_names_a_version_wherever_one_is_meant(labelled: Kind) -> None:
    files = labelled.files
    row = files.keep("one", "1", "production", BY)
    assert (row.number, row.labels) == (1, ["production"])
    assert labelled.opened().find("one", "Production").text == files.version_text("one", 1)
    assert labelled.opened().label_numbers("one") == {"production": 1}
    assert lines(labelled)[-1] == (1, ["production"])
    files.keep("one", "2", "other", BY)
    if files.labels.move:
        assert sorted(files.keep("one", "2", "production", BY).labels) == ["other", "production"]
    else:
        with pytest.raises(InUse, match="'production' names version 1 of one"):
            files.keep("one", "2", "production", BY)
    assert files.remove_label("one", "production", BY).labels == (["other"] if files.labels.move else [])
    assert files.label_numbers("one") == {"other": 2}
    with pytest.raises(UnknownName, match=f"no label of the {labelled.kind} one named 'production'"):
        files.remove_label("one", "production", BY)


def test_a_saved_text_gets_a_number_once_it_has_a_label(labelled: Kind) -> None:
    files = labelled.files
    third = files.drafts.text("one")
    labelled.save("fourth")
    saved = next(one.id for one in files.list("one") if files.find("one", one.id).text == third)
    assert files.keep("one", saved, "tried", BY).number == 3
    assert files.version_text("one", 3) == third


def test_what_must_not_be_a_version_leaves_none_behind(labelled: Kind) -> None:
    files = labelled.files

    def refuse(_found: object) -> None:
        raise InvalidFile("It has errors.")

    with pytest.raises(InvalidFile, match="It has errors"):
        files.keep("one", CURRENT, "production", BY, check=refuse)
    with pytest.raises(StaleEdit, match=r"Somebody changed \w+/one\.json since you opened it"):
        files.keep("one", CURRENT, "production", BY, etag="another")
    assert (files.numbers("one"), files.label_numbers("one")) == ([1, 2], {})


def test_a_text_that_would_be_mistaken_for_something_else_is_no_label(labelled: Kind) -> None:
    files = labelled.files
    files.keep("one", "1", "v2", BY)
    longest = 64 if labelled.kind == "prompt" else 60
    wrong = ["", "7", "a/b", "-x", "a\nb\x00", "20260501T080000.000000Z-ada", "x" * (longest + 1)]
    wrong += [] if labelled.kind == "prompt" else ["current"]
    for label in wrong:
        with pytest.raises(InvalidInput, match="cannot be a label"):
            files.labels.checked(label)
        with pytest.raises(InvalidInput, match="cannot be a label"):
            files.rename_label("one", "v2", label, BY)
        if label:
            with pytest.raises(InvalidInput, match="cannot be a label"):
                files.keep("one", CURRENT, label, BY)
    assert files.keep("one", CURRENT, "x" * longest, BY).labels == ["x" * longest]


def test_a_label_is_renamed_unless_another_version_has_the_name(labelled: Kind) -> None:
    files = labelled.files
    files.keep("one", "1", "first", BY)
    files.keep("one", "2", "now", BY)
    with pytest.raises(InUse, match="'now' names version 2 of one"):
        files.rename_label("one", "first", "now", BY)
    assert files.rename_label("one", "First", "old", BY).labels == ["old"]
    assert labelled.opened().label_numbers("one") == {"old": 1, "now": 2}


def test_a_draft_is_saved_only_over_the_text_that_was_read(kind: Kind) -> None:
    if kind.kind == "tool":
        pytest.skip("its files are saved one by one: tests/engine/tools/test_editing.py")
    read = etag(kind.save("first"))
    kind.save("second")
    with pytest.raises(StaleEdit, match="since you opened it"):
        kind.store.save("one", "lost", read, BY)
    with pytest.raises(InUse):
        kind.store.save("one", "lost", None, BY)
    assert len(kind.files.list("one")) == 2


def test_a_rename_takes_the_versions_along_and_changes_the_users(kind: Kind) -> None:
    kind.save("first")
    user = kind.use()
    saved = [one.id for one in kind.files.list("one")]
    kind.save("taken", "taken")
    with pytest.raises(InUse, match="taken"):
        kind.files.rename("one", "taken", BY)
    assert kind.files.rename("one", "new", BY) == ["user"]
    assert "new" in user.read_text()
    assert "one" not in user.read_text()
    assert [one.id for one in kind.opened().list("new")] == saved
    with pytest.raises(UnknownName):
        kind.files.list("one")


def test_the_numbers_and_labels_are_renamed_and_deleted_with_the_file(labelled: Kind) -> None:
    labelled.files.keep("one", "1", "production", BY)
    labelled.files.rename("one", "new", BY)
    assert labelled.opened().label_numbers("new") == {"production": 1}
    assert lines(labelled, "new")[-1] == (1, ["production"])
    trash = labelled.files.delete("new")
    assert (trash / "new.versions" / "1.json").is_file()
    assert labelled.files.numbers("new") == []


@pytest.mark.parametrize("place", ["copying", "before", "after"])
def test_a_rename_that_was_cut_short_is_made_whole_by_repeating_it(
    kind: Kind, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The process ends while the file is copied, before the users were changed, or just after that."""
    text = kind.save("first")
    if kind.kind != "tool":
        kind.files.make("one", text)
    user, real = kind.use(), kind.files.users.rename

    def cut(name: str, new: str, by: str) -> list[str]:
        if place == "after":
            real(name, new, by)
        raise KeyboardInterrupt

    monkeypatch.setattr(kind.files.users, "rename", cut)
    with suppress(KeyboardInterrupt):
        kind.files.rename("one", "new", BY)
    monkeypatch.undo()
    assert {"one", "new"} <= set(kind.names()), "both names can be used"
    if place == "copying":
        (kind.root / "tools" / "new" / "tool.json" if kind.kind == "tool" else kind.store.path("new")).unlink()
    again = kind.opened()
    again.rename("one", "new", BY)
    assert kind.opened().drafts.text("new") == text
    assert "one" not in kind.names()
    assert "new" in user.read_text()


def test_a_file_that_seems_to_use_another_and_cannot_be_read_stops_a_rename(kind: Kind) -> None:
    text = kind.save("first")
    wrong = '{"messages": "{{ fragment(\'one\') }}' if kind.kind == "fragment" else '{"a": "one" "tool.one"'
    user = kind.use(wrong)
    with pytest.raises(InvalidFile):
        kind.files.rename("one", "new", BY)
    assert (kind.names().count("one"), kind.files.drafts.text("one")) == (1, text)
    assert user.read_text() == wrong


def test_a_deleted_file_lies_in_the_trash_and_a_used_one_stays(kind: Kind) -> None:
    kind.save("first")
    user = kind.use()
    with pytest.raises(InUse, match="is used by"):
        kind.files.delete("one")
    user.unlink()

    def refuse() -> None:
        raise OrchestraError("It is protected.")

    with pytest.raises(OrchestraError, match="protected"):
        kind.files.delete("one", refuse)
    trash = kind.files.delete("one")
    assert "one" not in kind.names()
    assert any("first" in path.read_text() for path in trash.rglob("*") if path.is_file())
    kind.save("again")
    assert kind.files.delete("one") != trash


def test_a_damaged_file_of_labels_is_named_and_nothing_is_written_over_it(labelled: Kind) -> None:
    files = labelled.files
    path = files.drafts.folder / ("one.json" if labelled.kind == "prompt" else "one.versions/labels.json")
    path.write_text('{"labels": {"production": ')
    for act in _labelling(files):
        with pytest.raises(InvalidFile, match=path.name):
            act()
    assert path.read_text() == '{"labels": {"production": '
    assert files.numbers("one") == [1, 2]


def _labelling(files: VersionedFiles[Any]) -> Iterator[Callable[[], object]]:
    yield lambda: files.keep("one", "1", "production", BY)
    yield lambda: files.remove_label("one", "production", BY)
    yield lambda: files.rename_label("one", "production", "other", BY)
