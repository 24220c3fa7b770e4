"""A workflow goes to another workspace with its prompts and fragments, and replaces nothing there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, InvalidFile, InvalidInput, NotAllowed, UnknownName
from engine.files.group_sync import GroupSync
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workflows.bundles.bundles import as_text

ADA, VIC = Principal("ada", "editor"), Principal("vic", "viewer")
WORKFLOW = """{"schema_version": 1, "id": "sort",   "title": "Sort", "steps": [
  {"id": "kind", "uses": "llm.chat", "connection": "llm",
   "with": {"prompt": "sort@production", "variables": {"text": "a"}}}
], "outputs": {"kind": "{{ steps.kind.output.text }}"}}
"""
PROMPT: dict[str, Any] = {
    "schema_version": 1,
    "title": "Sort",
    "variables": {"text": {"type": "string"}},
    "messages": [{"role": "user", "content": ['{{ fragment("tone") }}', "Sort {{ text }}."]}],
}


def made(root: Path) -> Orchestra:
    root.mkdir()
    (root / "config.yaml").write_text(
        "connections:\n  llm: {service: openai}\n  other: {service: openai}\n  mail: {service: imap}\n"
    )
    return Orchestra.open(root)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Orchestra]:
    """A workspace with a workflow, its prompt, and two fragments."""
    orchestra = made(tmp_path / "here")
    orchestra.fragments.save(ADA, "kind", "Be kind.", None)
    orchestra.fragments.save(ADA, "tone", '{{ fragment("kind") }} Be short.', None)
    orchestra.prompts.save(ADA, "sort", json.dumps(PROMPT), None)
    orchestra.prompts.save_version(
        ADA, "sort", json.dumps(PROMPT), orchestra.prompts.get(ADA, "sort").etag, "production"
    )
    orchestra.workflows.save(ADA, "sort", WORKFLOW, None)
    yield orchestra
    orchestra.close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Orchestra]:
    orchestra = made(tmp_path / "there")
    yield orchestra
    orchestra.close()


def files(orchestra: Orchestra) -> dict[str, bytes]:
    root = orchestra.workspace.root
    found = [*root.glob("workflows/**/*"), *root.glob("prompts/**/*")]
    return {str(path.relative_to(root)): path.read_bytes() for path in found if path.is_file()}


def bundle(orchestra: Orchestra) -> Any:
    return json.loads(as_text(orchestra.bundles.export(ADA, "sort")))


def test_the_files_are_the_same_there(here: Orchestra, there: Orchestra) -> None:
    sent = bundle(here)
    done = there.bundles.imported(ADA, sent)
    assert files(there) == files(here)
    assert done.workflow.problems == here.workflows.get(ADA, "sort").problems == []
    assert sorted(done.created) == ["kind", "sort", "tone"]
    assert bundle(there) == sent
    with pytest.raises(InUse, match="already a workflow named 'sort'"):
        there.bundles.imported(ADA, sent)
    again = there.bundles.imported(ADA, sent, "sort-again", connections={"llm": "other"})
    assert again.created == []
    text = there.workflows.get(ADA, "sort-again").text
    assert text == WORKFLOW.replace('"sort",', '"sort-again",').replace('"connection": "llm"', '"connection": "other"')


def test_what_has_other_content_here_stays_and_references_follow(here: Orchestra, there: Orchestra) -> None:
    there.fragments.save(ADA, "kind", "Be strict.", None)
    there.prompts.save(ADA, "sort", json.dumps({**PROMPT, "title": "Mine", "messages": []}), None)
    before = files(there)
    done = there.bundles.imported(ADA, bundle(here))
    assert done.prompts == {"sort": "sort-2"}
    assert done.fragments == {"kind": "kind-2", "tone": "tone"}
    assert {name: text for name, text in files(there).items() if name in before} == before
    assert there.fragments.get(ADA, "tone").text == '{{ fragment("kind-2") }} Be short.\n'
    assert '"prompt": "sort-2@production"' in done.workflow.text
    assert done.workflow.problems == []


def test_a_second_import_uses_what_the_first_one_has_created(here: Orchestra, there: Orchestra) -> None:
    there.fragments.save(ADA, "kind", "Be strict.", None)
    there.fragments.save(ADA, "tone", "Be loud.", None)
    there.prompts.save(ADA, "sort", json.dumps({**PROMPT, "title": "Mine", "messages": []}), None)
    first = there.bundles.imported(ADA, bundle(here))
    second = there.bundles.imported(ADA, bundle(here), "again")
    assert (second.prompts, second.fragments, second.created) == (first.prompts, first.fragments, [])
    mine = there.prompts.get(ADA, "sort-2")
    there.prompts.save(ADA, "sort-2", json.dumps({**(mine.document or {}), "title": "Other"}), mine.etag)
    assert there.bundles.imported(ADA, bundle(here), "third").prompts == {"sort": "sort-3"}


def test_versions_whose_prompt_is_missing_stay_as_they_are(here: Orchestra, there: Orchestra) -> None:
    mine = there.workspace.root / "prompts" / "sort.versions" / "1.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("{}")
    assert there.bundles.imported(ADA, bundle(here)).prompts == {"sort": "sort-2"}
    assert mine.read_text() == "{}"


def test_a_fragment_that_is_too_long_is_refused_before_anything_is_written(here: Orchestra, there: Orchestra) -> None:
    sent = bundle(here)
    sent["fragments"]["tone"] = ["a" * 200_000]
    before = files(there)
    with pytest.raises(InvalidInput, match="200,000 bytes"):
        there.bundles.imported(ADA, sent)
    assert files(there) == before


def test_what_is_missing_is_told(here: Orchestra, tmp_path: Path) -> None:
    root = tmp_path / "bare"
    root.mkdir()
    (root / "config.yaml").write_text("")
    bare = Orchestra.open(root)
    try:
        assert bare.bundles.imported(ADA, bundle(here)).missing_connections == {"llm": "openai"}
    finally:
        bare.close()


def test_a_connection_that_the_first_workspace_lacks_can_be_named_here(here: Orchestra, there: Orchestra) -> None:
    here.workflows.save(ADA, "more", WORKFLOW.replace('"sort",', '"more",').replace('"llm",', '"gone",'), None)
    sent = json.loads(as_text(here.bundles.export(ADA, "more")))
    assert there.bundles.imported(ADA, sent, "one").missing_connections == {"gone": ""}
    done = there.bundles.imported(ADA, sent, "two", connections={"gone": "llm"})
    assert done.missing_connections == {}
    assert '"connection": "llm"' in done.workflow.text


def test_the_connection_that_makes_vectors_is_named_here_too(here: Orchestra, there: Orchestra) -> None:
    find = {"collection": "mail", "query": "rent", "embedding_connection": "gone"}
    steps = [{"id": "find", "uses": "rag.search", "with": find}]
    here.workflows.save(ADA, "find", json.dumps({"schema_version": 1, "title": "Find", "steps": steps}), None)
    sent = json.loads(as_text(here.bundles.export(ADA, "find")))
    done = there.bundles.imported(ADA, sent, "find", connections={"gone": "other"})
    assert '"embedding_connection": "other"' in done.workflow.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"name": "../../evil"}, "evil", id="name"),
        pytest.param({"prompts": {"../x": {"text": ["{}"]}}}, "x", id="prompt"),
        pytest.param({"prompts": {"x": {"text": ["{}"], "versions": {"../1": ["{}"]}}}}, "versions", id="version"),
        pytest.param({"fragments": {"a/b": [""]}}, "a/b", id="fragment"),
        pytest.param({"workflow": ["[]"]}, "not a JSON object", id="no-workflow"),
        pytest.param({"prompts": {"x": {"text": ["{"]}}}, "prompt x", id="no-prompt"),
        pytest.param({"workflow": '{"steps": []}'}, "must be a list", id="text"),
        pytest.param({"keys": {"llm": "sk-1"}}, "no key 'keys'", id="more"),
        pytest.param({"bundle_version": 2}, "bundle_version", id="newer"),
    ],
)
def test_what_is_no_bundle_is_refused_and_nothing_is_written(
    here: Orchestra, there: Orchestra, change: Any, said: str
) -> None:
    with pytest.raises((InvalidInput, InvalidFile), match=said):
        there.bundles.imported(ADA, {**bundle(here), **change})
    assert files(there) == {}


def test_a_connection_of_another_service_or_unknown_is_refused(here: Orchestra, there: Orchestra) -> None:
    for connections, error, said in (
        ({"mail": "llm"}, InvalidInput, "names no connection 'mail'"),
        ({"llm": "mail"}, InvalidInput, "'mail' is to imap, but 'llm' is to openai"),
        ({"llm": "typo"}, UnknownName, "no connection named 'typo'"),
    ):
        with pytest.raises(error, match=said):
            there.bundles.imported(ADA, bundle(here), connections=connections)
    assert files(there) == {}
    with pytest.raises(NotAllowed):
        there.bundles.imported(VIC, bundle(here))


def test_the_prompts_of_a_large_bundle_are_written_together(there: Orchestra, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs, fsync, count = list[int](), os.fsync, 200

    def counted(handle: int) -> None:
        syncs.append(handle)
        fsync(handle)

    lines = json.dumps({**PROMPT, "messages": [{"role": "user", "content": "Sort {{ text }}."}]}, indent=2).split("\n")
    prompts = {f"sort-{number}": {"text": lines, "versions": {"1": lines}} for number in range(count)}
    workflow = {"schema_version": 1, "title": "Sort", "steps": [{"id": "a", "uses": "flow.stop"}]}
    sent = {"bundle_version": 1, "name": "sort", "workflow": [json.dumps(workflow)], "prompts": prompts}
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counted)
        made = there.bundles.imported(ADA, {**sent, "fragments": {}, "connections": {}, "calls": []})
    assert made.created == list(prompts)
    assert len(syncs) < (20 if GroupSync(there.workspace.root).is_worth_it() else 6 * count)
    assert len(there.prompts.list(ADA)) == count
    assert there.workspace.prompts.history.latest_text("sort-7") == "\n".join(lines)
    assert there.prompts.get(ADA, "sort-7").versions == [1]
    assert not list(there.workspace.root.rglob("*.tmp"))
