"""The documentation site: it builds without a warning, needs nobody else, and shows what GitHub shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from cmarkgfm import github_flavored_markdown_to_html
from fastapi import FastAPI

from api.route_docs import api_page
from commands.base.command_docs import commands_page
from tests.docs.pages import PAGES, ROOT, text_of
from tests.docs.test_commands import commands

OURS = [page for page in PAGES if page.startswith("docs/")]
COUNTED = ("h1", "h2", "h3", "li", "table", "tr", "pre", "img")
"""What must be on the site as often as on GitHub: a list that one of them reads as plain text is missing here."""
LOADS = re.compile(r'<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)="([^"]+)"')
as_on_github: Callable[[str], str] = github_flavored_markdown_to_html


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=quiet)
    assert (built.returncode, built.stderr) == (0, "")
    return folder


class Counts(HTMLParser):
    """How often each counted element is there, and what of it within an article."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.all = dict.fromkeys(COUNTED, 0)
        self.of_article = dict.fromkeys(COUNTED, 0)
        self.articles = self._depth = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "article":
            self.articles += 1
            self._depth += 1
        if tag in COUNTED:
            self.all[tag] += 1
            self.of_article[tag] += self._depth > 0

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "article"


@pytest.mark.parametrize("page", OURS)
def test_a_page_has_on_the_site_what_it_has_on_github(site: Path, page: str) -> None:
    name = Path(page).relative_to("docs").with_suffix(".html").as_posix().replace("README", "index")
    shown = Counts((site / name).read_text(encoding="utf-8"))
    assert shown.articles == 1
    assert shown.of_article == Counts(as_on_github(text_of(page))).all


def test_no_page_loads_anything_from_another_machine(site: Path) -> None:
    loaded = []
    for path in site.rglob("*.html"):
        loaded += LOADS.findall(path.read_text(encoding="utf-8"))
    assert len(loaded) > 100
    assert [one for one in loaded if re.match(r"(https?:)?//", one)] == []
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:@import|url\()\s*[\"']?https?://[^\s)]+", styles) == []


def test_the_search_knows_every_page(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    pages = {one["location"].partition("#")[0] for one in index["docs"]}
    assert {path.name for path in site.glob("*.html")} - {"404.html"} <= pages


def test_every_command_and_every_address_is_on_its_page(monkeypatch: pytest.MonkeyPatch, api: FastAPI) -> None:
    said = commands_page()
    for name, command in commands().commands.items():
        for inner in getattr(command, "commands", {"": command}):
            assert command.hidden or f"# `{f'orchestra {name} {inner}'.strip()}`" in said
    monkeypatch.setattr("api.route_docs.create_api", lambda _: api)
    shown, described = api_page(), api.openapi()["paths"]
    addresses = [f"{method.upper()} {path}" for path, methods in described.items() for method in methods]
    assert [address for address in addresses if f"### `{address}`" not in shown] == []
