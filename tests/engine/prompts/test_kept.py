"""Nothing of a prompt gets lost: what is saved is rendered, versions never change, no editor overwrites another."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.clock import utc_now
from engine.base.errors import StaleEdit
from engine.files.atomic import etag
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.prompts.prompt_files import PromptFiles
from engine.prompts.prompts import PromptStore
from engine.store.sql.people.audit import SqlAudit
from engine.store.sqlite.database import SqliteStateDatabase
from engine.workspace.workspace import Workspace
from tests.few import examples
from tests.odd_strings import ODD_STRINGS

ANN = Principal("ann", "editor")
SAVES = 50
"""By each of two; 500 take a minute and a half."""
NAMES = ("subject", "text", "x_1")
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(ODD_STRINGS)
PLAIN = WORDS.filter(lambda words: "{{" not in words and "}}" not in words).map(lambda words: words.replace("{", ""))
PARTS = st.lists(st.tuples(PLAIN, st.sampled_from(NAMES)), min_size=1, max_size=4)
PROMPTS = st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), PARTS), min_size=1, max_size=3)


def area(root: Path) -> PromptFiles:
    workspace = Workspace(root)
    return PromptFiles(PromptStore(workspace), Audit(SqlAudit(SqliteStateDatabase(workspace.state_dir)), utc_now))


@pytest.mark.slow
@examples(25)
@given(texts=st.lists(PROMPTS, min_size=1, max_size=4), title=WORDS, values=st.tuples(WORDS, WORDS, WORDS))
def test_what_is_saved_is_rendered_and_a_version_never_changes(
    texts: list[Any], title: str, values: tuple[str, ...]
) -> None:
    variables = dict(zip(NAMES, values, strict=True))
    with TemporaryDirectory() as folder:
        store = PromptStore(Workspace(Path(folder)))
        seen: str | None = None
        versions: list[Any] = []
        for messages in texts:
            document = {
                **json.loads(store.shelf.text("p") if versions else '{"schema_version": 1}'),
                "title": title,
                "variables": {name: {"type": "string"} for name in NAMES},
                "samples": [{"name": "odd", "variables": variables}],
                "messages": [
                    {"role": role, "content": "".join(f"{words}{{{{ {name} }}}}" for words, name in parts)}
                    for role, parts in messages
                ],
            }
            store.save_version("p", json.dumps(document), seen, "production", "ann")
            seen = etag(store.shelf.text("p"))
            versions.append(document)
            for number, (saved, parts) in enumerate(zip(versions, texts, strict=False), 1):
                found = store.resolve(f"p@{number}")
                assert found["messages"] == saved["messages"]
                assert store.render(found, variables) == [
                    {"role": role, "content": "".join(words + variables[name] for words, name in pieces)}
                    for role, pieces in parts
                ]


@pytest.mark.slow
def test_two_editors_who_save_at_once_lose_nothing(tmp_path: Path) -> None:
    first = json.dumps({"schema_version": 1, "tags": [], "messages": [{"role": "user", "content": []}]})
    area(tmp_path).save(ANN, "p", first, None)
    refused = []

    def edit(editor: str) -> None:
        prompts = area(tmp_path)  # as another process has it
        for number in range(SAVES):
            while True:
                seen = prompts.get(ANN, "p")
                document = json.loads(seen.text)
                document["messages"][0]["content"].append(f"{editor} {number}")
                try:
                    prompts.save(ANN, "p", json.dumps(document), seen.etag)
                    break
                except StaleEdit:
                    refused.append(editor)

    threads = [threading.Thread(target=edit, args=(editor,)) for editor in ("ann", "bob")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    lines = json.loads(area(tmp_path).get(ANN, "p").text)["messages"][0]["content"]
    assert sorted(lines) == sorted(f"{editor} {number}" for editor in ("ann", "bob") for number in range(SAVES))
    assert refused, "they never met"
