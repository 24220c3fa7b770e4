"""Links lead somewhere, named files are there, and nothing tells of the machine it was written on."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import ROOT, every_page, text_of


@every_page
def test_links_lead_somewhere(page: str) -> None:
    written = re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)  # examples lead nowhere
    for link in re.findall(r"\]\(([^)\s]+)\)", written):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def anchors(text: str) -> set[str]:
    """The addresses of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


_PARTS = ("clients", "demo", "engine", "api", "dashboard", "commands", "bench", "evals", "tests", "assurance", "docs")


@every_page
def test_every_file_of_the_program_that_a_page_names_is_there(page: str) -> None:
    for named in re.findall(rf"`((?:{'|'.join(_PARTS)})/[\w./-]*)`(?!:\n\n```)", text_of(page)):  # not what it adds
        assert (ROOT / named).exists(), named


def text_files() -> Iterator[Path]:
    """Every text file of the project that git knows; nothing where this is no clone."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".eml", ".ico"}:
            yield path


def test_no_file_holds_a_path_of_the_machine_it_was_written_on() -> None:
    places = "|".join(re.escape(str(place)) for place in (ROOT, Path.home()) if len(place.parts) > 1)
    own = re.compile(rf"(?<![\w.-])(?:{places})/")
    found = [str(path) for path in text_files() if own.search(path.read_text(encoding="utf-8", errors="replace"))]
    assert found == []


def test_every_document_that_code_or_documents_name_is_there() -> None:
    ours = [path for path in text_files() if path.suffix in {".py", ".md", ".toml", ".yaml"}]
    missing = [
        f"{path.relative_to(ROOT)}: {named}"
        for path in ours
        if path.relative_to(ROOT).parts[0] not in {"tests", "assurance", "clients", "demo"}  # of others' repositories
        for named in re.findall(r"\bdocs/[a-z-]+\.md\b|\b[A-Z]+\.md\b", path.read_text(encoding="utf-8"))
        if not any((folder / named).exists() for folder in (ROOT, path.parent))
    ]
    assert missing == []
