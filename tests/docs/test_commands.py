"""Every command, option and make target that the documents name exists, and none is left out."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import typer

from commands.base.application import app
from tests.docs.pages import PAGES, ROOT, blocks, every_page, text_of


@cache
def commands() -> Any:
    """The command line as a tree: groups have `commands`, each command its `params`."""
    return typer.main.get_command(app)


def written_commands(page: str) -> Iterator[list[str]]:
    """Every `orchestra …` on a page as words: in shell blocks, and in code within a sentence."""
    text = text_of(page)
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    lines += re.findall(
        r"`((?:\.venv/bin/)?orchestra [^`]*)`", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    )
    for line in lines:
        words = shlex.split(line, comments=True)
        if words and words[0].removeprefix(".venv/bin/") == "orchestra":
            yield words[1:]


def unknown(words: list[str]) -> str:
    """What of a written command does not exist; an empty text where all does."""
    command: Any = commands()
    rest = list(words)
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in command.commands or command.commands[name].hidden:
            return name
        command = command.commands[name]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return next((word for word in rest if word.startswith("--") and word.partition("=")[0] not in options), "")


@every_page
def test_every_command_on_a_page_exists(page: str) -> None:
    assert [" ".join(words) for words in written_commands(page) if unknown(words)] == []


def test_this_test_would_see_a_command_that_does_not_exist() -> None:
    assert unknown(["runs", "forget", "ID"]) == "forget"
    assert unknown(["run", "inbox-triage", "--dmeo"]) == "--dmeo"
    assert unknown(["token", "list"]) == "token"
    assert len([words for page in PAGES for words in written_commands(page)]) > 20


def test_every_command_is_named_in_the_documents() -> None:
    named = {" ".join(words[:2]) for page in PAGES for words in written_commands(page)}
    firsts = {words.split()[0] for words in named if words}
    missing = []
    for name, command in commands().commands.items():
        inner = getattr(command, "commands", {})
        if not command.hidden and name not in firsts:
            missing.append(name)
        missing += [f"{name} {each}" for each, one in inner.items() if not one.hidden and f"{name} {each}" not in named]
    assert missing == []


@every_page
def test_every_make_target_and_module_on_a_page_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", text_of(page), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for module in re.findall(r"python3? -m ([a-z_.]+)", text_of(page)):
        if module in sys.stdlib_module_names or module == "pip":
            continue
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def triggers_of(name: str) -> set[str]:
    """The triggers of a shipped workflow, or of one that `docs/triggers.md` shows."""
    folders = (ROOT / "workflows", ROOT / "gallery" / "workflows")
    shipped = [path for path in (folder / f"{name}.json" for folder in folders) if path.exists()]
    texts = [path.read_text(encoding="utf-8") for path in shipped] or blocks("docs/triggers.md", "json")
    return {one["id"] for text in texts for one in json.loads(text).get("triggers", [])}


@every_page
def test_every_trigger_that_a_page_turns_on_is_there(page: str) -> None:
    for group, verb, workflow, *rest in (words for words in written_commands(page) if len(words) > 2):
        if (group, verb) == ("triggers", "on") and workflow.islower() and not workflow.startswith("-"):
            assert set(rest[:1]) <= triggers_of(workflow), (workflow, rest)
