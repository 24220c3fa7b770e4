"""Shared fragments: where they come in, what is wrong with them, and what a version keeps of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.base.clock import utc_now
from engine.base.errors import InUse, InvalidFile, NotAllowed, StaleEdit
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.prompts.fragment_files import FragmentFiles
from engine.prompts.fragments import LARGEST_CHARACTERS
from engine.prompts.prompt_files import PromptFiles
from engine.prompts.prompts import PromptStore
from engine.store.sql.people.audit import SqlAudit
from engine.store.sqlite.database import SqliteStateDatabase
from engine.workspace.workspace import Workspace

EDITOR, VIEWER = Principal("ann", "editor"), Principal("vic", "viewer")
NAMES = {"name": {"type": "string"}}


class Place:
    """A workspace with its prompts and fragments."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)
        self.audit = audit = Audit(SqlAudit(SqliteStateDatabase(self.workspace.state_dir)), utc_now)
        self.store = PromptStore(self.workspace)
        self.prompts, self.fragments = PromptFiles(self.store, audit), FragmentFiles(self.store.fragments, audit)

    def trail(self) -> list[str]:
        """Return what the audit trail has."""
        return [line.action for line in reversed(self.audit.latest())]

    def has(self, **texts: str) -> None:
        """Write fragments."""
        for name, text in texts.items():
            self.fragments.save(EDITOR, name, text, None)

    def version(self, content: Any, name: str = "greet", **more: Any) -> dict[str, Any]:
        """Save the next version of a prompt, as production; return it."""
        known = self.prompts.get(EDITOR, name).etag if name in self.workspace.prompts.names() else None
        self.prompts.save_version(EDITOR, name, text_of(content, **more), known, "production")
        return dict(self.store.resolve(name))


def text_of(content: Any, **more: Any) -> str:
    return json.dumps({"schema_version": 1, "messages": [{"role": "user", "content": content}], **more})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def content_of(document: Any) -> Any:
    return document["messages"][0]["content"]


def test_a_version_has_the_texts_of_its_fragments_and_needs_no_other_file(place: Place) -> None:
    place.has(tone='Be {{ fragment("how") }}.\nSay {{ name }}.', how="kind")
    version = place.version(["Hi.", "{{ fragment('tone') }}", "{{ '{{ fragment(\"tone\") }}' }}"], variables=NAMES)
    assert content_of(version) == ["Hi.", "Be kind.", "Say {{ name }}.", "{{ '{{ fragment(\"tone\") }}' }}"]
    assert set(version["fragments"]) == {"tone", "how"}
    working = place.prompts.get(EDITOR, "greet")
    assert content_of(working.document)[1] == "{{ fragment('tone') }}"
    assert working.problems == []  # `name` counts as used
    for file in (place.workspace.root / "prompts" / "fragments").iterdir():
        file.unlink()
    assert content_of(place.store.resolve("greet")) == content_of(version)


def test_the_draft_is_rendered_with_its_fragments(place: Place) -> None:
    place.has(tone="Say {{ name }}.")
    document = json.loads(text_of('{{ fragment("tone") }}', variables=NAMES))
    assert place.prompts.render(VIEWER, document, {"name": "Ann"}).messages == [{"role": "user", "content": "Say Ann."}]
    [message] = place.prompts.marked(VIEWER, "p", document, {"name": "Ann"})
    assert [part["variable"] for part in message["parts"]] == [None, "name", None]


def test_a_version_says_that_a_fragment_has_changed_since(place: Place) -> None:
    place.has(tone='{{ fragment("how") }}', how="kind", other="x")
    place.version('{{ fragment("tone") }}')
    assert place.prompts.get(VIEWER, "greet").changed_fragments == []
    place.fragments.save(EDITOR, "how", "short", place.fragments.get(EDITOR, "how").etag)
    place.fragments.save(EDITOR, "other", "y", place.fragments.get(EDITOR, "other").etag)
    assert place.prompts.get(VIEWER, "greet").changed_fragments == ["how"]
    assert content_of(place.store.resolve("greet")) == "kind"
    assert content_of(place.version('{{ fragment("tone") }}')) == "short"
    assert place.prompts.get(VIEWER, "greet").changed_fragments == []


def test_the_same_text_with_another_reference_is_the_same_version(place: Place) -> None:
    place.has(tone="kind")
    place.version("Be {{ fragment('tone') }}")
    same = place.store.draft(json.loads(text_of("Be kind")))
    assert place.store.number_of("greet", same) == 1


@pytest.mark.parametrize(
    ("text", "column", "said", "remedy"),
    [
        ('Hi {{ fragment("tonne") }}', 52, "no fragment named 'tonne'", "tone"),
        ('Hi {{ fragment("../tone") }}', 52, "no fragment named '../tone'", "tone"),
        ('Hi {{ fragment("xyz") }}', 52, "no fragment named 'xyz'", "orchestra fragments set"),
        ('Hi {{ fragment("a") }}', 52, "in a circle: a → b → a", "Remove one"),
        ('Hi {{ fragment("me") }}', 52, "in a circle: me → me", "Remove one"),
        ("Hi {{ fragment(name) }}", 0, "named by a text in quotes", 'fragment("tone")'),
        ('Hi {{ "x" + fragment("tone") }}', 0, "named by a text in quotes", 'fragment("tone")'),
        ('Hi {{ fragment("lost") }}', 52, "'who' is used in the fragment 'lost' and not declared", "declare"),
        ('Hi {{ fragment("open") }}', 52, "In the fragment 'open': '{{' is not closed", "{{"),
        ('Hi {{ fragment("big") }}', 52, "longer than 1,000,000", "fewer"),
    ],
)
def test_a_wrong_reference_is_named_where_it_is(place: Place, text: str, column: int, said: str, remedy: str) -> None:
    place.has(tone="kind", a='{{ fragment("b") }}', b='{{ fragment("a") }}', me='{{ fragment("me") }}')
    place.has(
        lost="{{ who }}", open="{{ name", big='{{ fragment("half") }}' * 12, half="x" * (LARGEST_CHARACTERS // 11)
    )
    [problem] = place.prompts.check(EDITOR, "greet", text_of(text, variables=NAMES))[:1]
    assert (problem.severity, problem.line, problem.field) == ("error", 1, "messages.0.content")
    assert said in problem.message
    assert remedy in problem.remedy
    if column:
        at = text_of(text, variables=NAMES)[problem.column - 1 :]
        assert at.startswith(text.split('"')[1]), at
    with pytest.raises(InvalidFile):
        place.version(text, variables=NAMES)
    assert place.store.versions.numbers("greet") == []


def test_a_damaged_fragment_is_a_problem_where_it_is_named_and_the_prompt_is_imported(place: Place) -> None:
    folder = place.workspace.root / "prompts" / "fragments"
    folder.mkdir(parents=True)
    (folder / "bytes.md").write_bytes(b"\xff\xfe")
    (folder / "link.md").symlink_to(folder / "bytes.md")
    for name, said in {"bytes": "UTF-8", "link": "link"}.items():
        text = f"---\nname: {name}\nschema_version: 1\n---\n\n<!-- role: user -->\nHi {{{{ fragment('{name}') }}}}\n"
        [problem] = place.prompts.imported(EDITOR, text, "", "text").problems
        assert (problem.field, said in problem.message) == ("messages.0.content.0", True), problem
        assert [one.message for one in place.prompts.get(EDITOR, name).problems] == [problem.message]


def test_fragments_that_only_together_make_an_expression_are_refused(place: Place) -> None:
    place.has(half="{")
    with pytest.raises(InvalidFile):
        place.version("{{ fragment('half') }}{ name", variables=NAMES)
    assert place.store.versions.numbers("greet") == []


def test_a_fragment_knows_its_problems_and_its_users(place: Place) -> None:
    place.has(tone="kind", both="Be\n{{ fragment('tone') }} {{ fragment('none') }}")
    place.version("{{ fragment('tone') }}")
    (place.workspace.root / "prompts" / "broken.json").write_text('{"messages": "{{ fragment(\'tone\') }}')
    found = {one.name: one for one in place.fragments.list(VIEWER)}
    assert (found["tone"].used_by, found["tone"].used_in) == (["broken", "greet"], ["both"])
    assert (found["both"].used_by, found["both"].used_in, found["both"].problems) == ([], [], 1)
    [problem] = place.fragments.get(VIEWER, "both").problems
    assert (problem.file, problem.line, problem.column) == ("prompts/fragments/both.md", 2, 37)


def test_a_rename_follows_into_prompts_and_fragments(place: Place) -> None:
    place.has(tone="kind", both='{{ fragment("tone") }} {{ fragment("tone") }}')
    lines = ["Hi.", 'A {{ fragment("tone") }}\n{{ fragment("tone") }}', "{{ fragment(", '"tone") }}']
    place.version(lines)
    place.version("{{ fragment('tone') }}", "second")
    before = place.prompts.get(VIEWER, "greet").text
    assert place.fragments.rename(EDITOR, "tone", "voice") == ["greet", "second"]
    assert place.prompts.get(VIEWER, "greet").text == before.replace("tone", "voice")
    assert place.fragments.get(VIEWER, "both").text == '{{ fragment("voice") }} {{ fragment("voice") }}\n'
    assert [one.name for one in place.fragments.list(VIEWER)] == ["both", "voice"]
    assert not [one for one in place.prompts.get(VIEWER, "greet").problems if one.severity == "error"]


@pytest.mark.slow
def test_the_list_follows_each_change_though_it_keeps_what_it_found(place: Place) -> None:
    place.has(tone="kind")
    place.version('{{ fragment("tone") }}')
    versions = place.workspace.root / "prompts" / "greet.versions"

    def listed() -> tuple[str, int, list[int], list[str]]:
        time.sleep(0.15)  # until a further change shows in the times of the files
        found = [place.prompts.list(VIEWER) for _ in range(2)]
        assert found[0] == found[1]
        [one] = found[0]
        return one.title, one.problems, one.versions, one.changed_fragments

    assert listed() == ("greet", 0, [1], [])
    (place.workspace.root / "prompts" / "fragments" / "tone.md").write_text("{{ lost }}")
    assert listed() == ("greet", 1, [1], ["tone"])
    place.fragments.save(EDITOR, "tone", "kind", place.fragments.get(EDITOR, "tone").etag)
    assert listed() == ("greet", 0, [1], [])
    file = place.workspace.root / "prompts" / "greet.json"
    file.write_text(file.read_text().replace('"schema_version": 1', '"schema_version": 1, "title": "Hello"'))
    assert listed() == ("Hello", 0, [1], [])
    (versions / "2.json").write_text((versions / "1.json").read_text())
    assert listed() == ("Hello", 0, [1, 2], [])
    (versions / "1.json").unlink()
    assert listed() == ("Hello", 1, [2], [])


def test_a_renamed_fragment_has_not_changed(place: Place) -> None:
    place.has(tone='Be {{ fragment("how") }}.', how="kind", other="not kind")
    place.version('{{ fragment("tone") }}')
    place.fragments.rename(EDITOR, "how", "manner")
    place.fragments.rename(EDITOR, "tone", "voice")
    assert place.prompts.get(VIEWER, "greet").changed_fragments == []
    place.fragments.save(EDITOR, "manner", "short", place.fragments.get(EDITOR, "manner").etag)
    assert place.prompts.get(VIEWER, "greet").changed_fragments == ["tone", "how"], "gone, and no other has their text"


def test_a_fragment_in_use_is_not_deleted(place: Place) -> None:
    place.has(tone="kind", both="{{ fragment('tone') }}")
    place.version("{{ fragment('tone') }}")
    with pytest.raises(InUse, match="used by greet, the fragment both"):
        place.fragments.delete(EDITOR, "tone")
    trash = place.fragments.delete(EDITOR, "both")
    assert (trash / "both.md").read_text() == "{{ fragment('tone') }}\n"


def test_edits_are_not_lost_and_only_editors_make_them(place: Place) -> None:
    place.has(tone="kind")
    etag = place.fragments.get(VIEWER, "tone").etag
    place.fragments.save(EDITOR, "tone", "short", etag)
    with pytest.raises(StaleEdit):
        place.fragments.save(EDITOR, "tone", "mine", etag)
    with pytest.raises(InUse):
        place.fragments.save(EDITOR, "tone", "mine", None)
    changes: list[Callable[[], object]] = [
        lambda: place.fragments.save(VIEWER, "tone", "x", etag),
        lambda: place.fragments.rename(VIEWER, "tone", "voice"),
        lambda: place.fragments.delete(VIEWER, "tone"),
    ]
    for change in changes:
        with pytest.raises(NotAllowed):
            change()
    assert place.trail() == ["fragments.save", "fragments.save"]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        pytest.param("{{ name }} {{ tone }} {{ tone }}", ["tone"], id="once"),
        pytest.param("{{ day + month }}", ["day", "month"], id="two in one expression"),
        pytest.param(["{{ fragment('sign') }}"], ["place"], id="in a fragment"),
        pytest.param("{{ Day }} {{ day(1) }}", [], id="no name, no variable"),
        pytest.param("{{ tone", [], id="cannot be read"),
    ],
)
def test_undeclared_variables_are_declared(place: Place, content: Any, names: list[str]) -> None:
    place.has(sign="{{ name }}, {{ place }}")
    place.prompts.save(EDITOR, "greet", text_of(content, variables=NAMES), None)
    assert place.prompts.declare(EDITOR, "greet") == names
    file = place.prompts.get(EDITOR, "greet")
    assert file.document is not None
    assert file.document["variables"] == NAMES | {name: {"type": "string"} for name in names}
    assert not [one for one in file.problems if one.code == "undeclared_variable" and "'Day'" not in one.message]
    assert place.prompts.declare(EDITOR, "greet") == []
    with pytest.raises(NotAllowed):
        place.prompts.declare(VIEWER, "greet")


def test_a_wrong_form_is_said_where_nothing_can_be_declared(place: Place) -> None:
    document = {**json.loads(text_of("{{ name }}")), "variables": ["name"]}
    place.prompts.save(EDITOR, "greet", json.dumps(document), None)
    with pytest.raises(InvalidFile, match="variables") as refused:
        place.prompts.declare(EDITOR, "greet")
    assert [(one.field, bool(one.remedy)) for one in refused.value.problems] == [("variables", True)]
