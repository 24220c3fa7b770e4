from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.base.errors import InvalidInput, NotAllowed, StaleEdit
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.store.sql.settings import SettingsTable
from engine.store.sqlite.database import SqliteStateDatabase
from engine.workspace.drafts import Draft, Drafts, Kind, is_draft_of

ADA, BOB = Principal("ada", "editor"), Principal("bob", "owner")
NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def drafts(tmp_path: Path) -> Iterator[Drafts]:
    """Drafts in a database of their own, at noon."""
    database = SqliteStateDatabase(tmp_path)
    yield Drafts(SettingsTable(database), lambda: NOON)
    database.close()


def test_a_draft_is_kept_for_one_person_and_one_file(drafts: Drafts) -> None:
    drafts.keep(ADA, "workflow", "mine", "{", "e1")
    drafts.keep(ADA, "workflow", "mine", "{}", "e1")
    assert drafts.get(ADA, "workflow", "mine") == Draft("{}", "e1", "2026-01-01T12:00:00.000Z")
    assert drafts.get(BOB, "workflow", "mine") is None
    assert drafts.get(ADA, "prompt", "mine") is None
    assert drafts.get(ADA, "workflow", "other") is None


def test_a_dropped_draft_is_gone_and_may_be_dropped_again(drafts: Drafts) -> None:
    drafts.keep(ADA, "prompt", "mine", "", "")
    assert drafts.get(ADA, "prompt", "mine") == Draft("", "", "2026-01-01T12:00:00.000Z")
    drafts.drop(ADA, "prompt", "mine")
    drafts.drop(ADA, "prompt", "mine")
    assert drafts.get(ADA, "prompt", "mine") is None


def test_any_text_comes_back_as_it_was(drafts: Drafts) -> None:
    text = 'Grüße\n"\\u0000 \u2028 😀 {{ x }}\t'
    drafts.keep(ADA, "prompt", "mine", text, "e")
    kept = drafts.get(ADA, "prompt", "mine")
    assert kept is not None
    assert kept.text == text


def test_who_may_not_edit_keeps_nothing(drafts: Drafts) -> None:
    with pytest.raises(NotAllowed):
        drafts.keep(Principal("vera", "operator"), "workflow", "mine", "{}")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("../x", "{}", id="a name that leaves the folder"),
        pytest.param("mine", "x" * 1_000_001, id="too large for a file"),
    ],
)
def test_what_could_never_be_saved_is_refused(drafts: Drafts, name: str, text: str) -> None:
    with pytest.raises(InvalidInput):
        drafts.keep(ADA, "workflow", name, text)


def test_another_window_overwrites_a_draft_only_when_told_to(drafts: Drafts) -> None:
    first = drafts.keep(ADA, "workflow", "mine", "one", "e", after="")
    with pytest.raises(StaleEdit):
        drafts.keep(ADA, "workflow", "mine", "two", "e", after="")
    second = drafts.keep(ADA, "workflow", "mine", "two", "e", after=first.revision)
    with pytest.raises(StaleEdit):
        drafts.keep(ADA, "workflow", "mine", "three", "e", after=first.revision)
    drafts.drop(ADA, "workflow", "mine", revision=first.revision)
    assert drafts.get(ADA, "workflow", "mine") == second
    drafts.drop(ADA, "workflow", "mine", revision=second.revision)
    assert drafts.get(ADA, "workflow", "mine") is None
    assert drafts.keep(ADA, "workflow", "mine", "four", "e", after=second.revision).text == "four"


def test_drafts_follow_a_rename_and_none_is_offered_for_another_file_of_that_name(root: Path) -> None:
    orchestra = Orchestra.open(root)
    try:
        for files, kind in ((orchestra.workflows, "workflow"), (orchestra.prompts, "prompt")):
            one: Kind = "workflow" if kind == "workflow" else "prompt"
            files.create(BOB, "kunden")
            for person in (ADA, BOB):
                orchestra.drafts.keep(person, one, "kunden", f"typed by {person.id}", "e")
            orchestra.drafts.keep(ADA, one, "other-kunden", "left alone", "e")
            orchestra.drafts.keep(ADA, one, "neu", "of nothing", "e")
            files.rename(BOB, "kunden", "neu")
            texts = [orchestra.drafts.get(person, one, "neu") for person in (ADA, BOB)]
            assert [draft and draft.text for draft in texts] == ["typed by ada", "typed by bob"]
            assert orchestra.drafts.get(ADA, one, "kunden") is None
            left = orchestra.drafts.get(ADA, one, "other-kunden")
            assert left is not None
            assert left.text == "left alone"
            files.delete(BOB, "neu")
            files.create(BOB, "neu")
            assert [orchestra.drafts.get(person, one, "neu") for person in (ADA, BOB)] == [None, None]
    finally:
        orchestra.close()


@pytest.mark.parametrize(
    ("user", "key", "is_theirs"),
    [
        pytest.param("ada", "draft.ada.workflow.mine", True, id="a workflow"),
        pytest.param("ada", "draft.ada.workflow.mine@labels", True, id="a branch"),
        pytest.param("ada", "draft.ada.tool.mine/main.py", True, id="a file of a tool"),
        pytest.param("ada", "draft.ada.project.mine/src/app.test.js", True, id="a file in a folder of a project"),
        pytest.param("ada.l", "draft.ada.l.tool.mine/main.py", True, id="an id with a dot"),
        pytest.param("ada", "draft.ada.l.tool.mine/main.py", False, id="a file of a longer id"),
        pytest.param("ada", "draft.ada.tool.workflow.mine", False, id="an id that ends like a kind"),
        pytest.param("ada.tool", "draft.ada.tool.mine/main.py", False, id="an id that begins alike"),
        pytest.param("ada.tool", "draft.ada.tool.tool.mine/main.py", True, id="a kind twice"),
        pytest.param("ada", "draft.ada.tool.mine/old.workflow.mine", True, id="a file named like a draft"),
        pytest.param("bob", "draft.ada.tool.mine/main.py", False, id="somebody else"),
        pytest.param("ada", "language.ada", False, id="another setting"),
    ],
)
def test_a_draft_belongs_to_one_person(user: str, key: str, is_theirs: bool) -> None:
    assert is_draft_of(user, key) is is_theirs


def test_the_texts_of_a_kind_include_files_in_folders(drafts: Drafts) -> None:
    drafts.keep(ADA, "tool", "mine/main.py", "print()", "e")
    assert drafts.texts(ADA, "tool") == {"mine/main.py": "print()"}


def test_a_file_that_is_named_like_a_draft_stays_with_its_tool(drafts: Drafts, tmp_path: Path) -> None:
    path = "mine/old.workflow.greet"
    drafts.keep(ADA, "tool", path, "of the tool", "e")
    drafts.keep(ADA, "workflow", "greet", "{}", "e")
    assert drafts.unsaved_by("workflow", "greet", "") == ["ada"]
    drafts.follow("workflow", "greet", "hello")
    drafts.set_aside("workflow", "hello", tmp_path)
    drafts.follow("workflow", "greet")
    kept = drafts.get(ADA, "tool", path)
    assert kept is not None
    assert kept.text == "of the tool"
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".json"] == ["hello.draft-ada.json"]
