"""The prompt store: references, versions that never change, labels."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, InvalidFile, InvalidInput, OrchestraError, StaleEdit, UnknownName
from engine.files.atomic import etag
from engine.prompts.prompts import PromptStore
from engine.workspace.workspace import Workspace


def text_of(words: str, **more: Any) -> str:
    return json.dumps({"schema_version": 1, "messages": [{"role": "user", "content": words}], **more})


@pytest.fixture
def store(tmp_path: Path) -> PromptStore:
    return PromptStore(Workspace(tmp_path))


def current(store: PromptStore, name: str = "p") -> str:
    return etag(store.shelf.text(name))


@pytest.fixture
def versioned(store: PromptStore) -> PromptStore:
    """A prompt with two versions: production is 1, staging is 2."""
    assert store.save_version("p", text_of("one"), None, "production", "ann") == 1
    text = store.shelf.text("p").replace("one", "two")
    assert store.save_version("p", text, current(store), "staging", "ann") == 2
    return store


@pytest.mark.parametrize(
    ("reference", "words", "version"),
    [
        pytest.param("p", "one", 1, id="no-suffix-is-production"),
        pytest.param("p@production", "one", 1, id="label"),
        pytest.param("p@staging", "two", 2, id="other-label"),
        pytest.param("p@1", "one", 1, id="number"),
        pytest.param("p@2", "two", 2, id="other-number"),
    ],
)
def test_a_reference_means_one_version(versioned: PromptStore, reference: str, words: str, version: int) -> None:
    document = versioned.resolve(reference)
    assert document["version"] == version
    assert versioned.render(document, {}) == [{"role": "user", "content": words}]


def test_a_version_of_an_earlier_release_is_used_though_it_names_a_field_that_is_not_declared(
    store: PromptStore,
) -> None:
    issue = {"type": "object", "properties": {"title": {"type": "string"}}}
    store.save_version("p", text_of("{{ issue.title }}", variables={"issue": issue}), None, "production", "ann")
    path = store.shelf.folder / "p.versions" / "1.json"
    path.write_text(path.read_text().replace("issue.title", "issue.body"))
    sent = store.render(store.resolve("p"), {"issue": {"body": "It broke."}})
    assert [one["content"] for one in sent] == ["It broke."]
    undeclared = text_of("{{ issue.body }}", variables={"issue": issue})
    with pytest.raises(InvalidFile, match="no field 'body'"):  # no new one is saved
        store.save_version("q", undeclared, None, "production", "ann")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        pytest.param("q", "Did you mean", id="name"),
        pytest.param("p@stagin", "Did you mean 'staging'?", id="label"),
        pytest.param("p@3", "There are: 1, 2.", id="number"),
    ],
)
def test_a_reference_to_nothing_offers_what_is_near(versioned: PromptStore, reference: str, words: str) -> None:
    versioned.save("qq", text_of("x"), None, "ann")
    with pytest.raises(UnknownName) as caught:
        versioned.resolve(reference)
    assert words in caught.value.remedy


def test_a_prompt_without_versions_says_what_to_do(store: PromptStore) -> None:
    store.save("p", text_of("draft"), None, "ann")
    with pytest.raises(UnknownName) as caught:
        store.resolve("p")
    assert "Save a version of p with the label production" in caught.value.remedy


@pytest.mark.parametrize("reference", ["../p@1", "p/../../x", "P@1", "@1", ""])
def test_a_reference_cannot_leave_the_folder(versioned: PromptStore, reference: str) -> None:
    with pytest.raises(InvalidInput):
        versioned.resolve(reference)


def test_editing_the_draft_changes_no_version(versioned: PromptStore) -> None:
    versioned.save("p", text_of("draft", labels={"production": 1}), current(versioned), "ann")
    assert versioned.render(versioned.resolve("p"), {})[0]["content"] == "one"
    assert "labels" not in versioned.versions.version("p", 1).value


def test_a_stale_edit_leaves_no_version_behind(versioned: PromptStore) -> None:
    with pytest.raises(StaleEdit):
        versioned.save_version("p", text_of("three"), etag("something else"), "production", "ann")
    with pytest.raises(InUse):
        versioned.save_version("p", text_of("three"), None, "production", "ann")
    with pytest.raises(UnknownName):
        versioned.save_version("gone", text_of("three"), etag("x"), "production", "ann")
    assert versioned.versions.numbers("p") == [1, 2]
    assert versioned.versions.numbers("gone") == []


def test_a_version_with_an_error_is_refused_and_a_draft_with_one_is_kept(versioned: PromptStore) -> None:
    broken = text_of("{{ nothing }}", labels={"production": 1})
    with pytest.raises(InvalidFile, match="'nothing' is used and not declared"):
        versioned.save_version("p", broken, current(versioned), None, "ann")
    assert versioned.versions.numbers("p") == [1, 2]
    versioned.save("p", broken, current(versioned), "ann")
    assert "nothing" in versioned.shelf.text("p")
    with pytest.raises(InvalidFile):
        versioned.save("p", "[1, 2", current(versioned), "ann")


def test_a_label_moves_to_a_version_that_exists(versioned: PromptStore) -> None:
    versioned.set_label("p", "production", 2, "ann")
    assert versioned.resolve("p")["version"] == 2
    with pytest.raises(UnknownName):
        versioned.set_label("p", "production", 9, "ann")
    for label in ("7", "Prod", "", "a b"):
        with pytest.raises(InvalidInput):
            versioned.set_label("p", label, 1, "ann")
    assert versioned.versions.label_numbers("p") == {"production": 2, "staging": 2}


@pytest.mark.parametrize("label", ["ü", "x y", "production ", "9", "Prod", "-a", "a@b", "x" * 65])
def test_what_cannot_be_a_label_is_refused_before_a_version_is_saved(versioned: PromptStore, label: str) -> None:
    before = {path: path.read_bytes() for path in versioned.shelf.folder.rglob("*.json")}
    with pytest.raises(InvalidInput, match=re.escape(f"{label!r} cannot be a label")) as refused:
        versioned.save_version("p", text_of("Hi"), current(versioned), label, "ann")
    assert refused.value.remedy
    assert {path: path.read_bytes() for path in versioned.shelf.folder.rglob("*.json")} == before


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        pytest.param(b'{"schema_version": 1,\n "messages": [', 2, id="cut"),
        pytest.param(b"\xff\xfe", 1, id="not-utf8"),
        pytest.param(b'{"schema_version": 1}', 1, id="no-messages"),
        pytest.param(
            b'{"schema_version": 1,\n "output_schema": {"type": "object", "required": 5},\n "messages": '
            b'[{"role": "user", "content": "x"}]}',
            2,
            id="no-schema",
        ),
        pytest.param(b"[" * 1000, 1, id="deep"),
        pytest.param(None, 1, id="folder"),
    ],
)
def test_a_damaged_version_is_named_with_its_place(versioned: PromptStore, damage: bytes | None, line: int) -> None:
    path = versioned.shelf.folder / "p.versions" / "1.json"
    path.unlink()
    path.mkdir() if damage is None else path.write_bytes(damage)
    with pytest.raises(OrchestraError) as caught:
        versioned.resolve("p@1")
    assert isinstance(caught.value, InvalidFile)
    assert "prompts/p.versions/1.json" in caught.value.message
    assert caught.value.problems[0].line == line
    assert versioned.resolve("p@2")["version"] == 2
