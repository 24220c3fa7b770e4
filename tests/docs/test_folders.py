"""Each top folder, and each folder of the engine, says what it is for and where to begin; what it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

_PARTS = ("api", "clients", "commands", "dashboard", "demo", "bench")
_ENGINE = sorted(path.parent for path in (ROOT / "engine").glob("*/__init__.py"))
_FOLDERS = [*(ROOT / name for name in _PARTS), *_ENGINE]
_NAMED = re.compile(r"`([\w/-]+(?:\.py|/))`")


@pytest.mark.parametrize("folder", [pytest.param(path, id=path.name) for path in _FOLDERS])
def test_a_folder_says_where_to_begin(folder: Path) -> None:
    head = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert "Begin with" in head
    assert [name for name in _NAMED.findall(head) if not _exists(folder, name)] == []


def _exists(folder: Path, name: str) -> bool:
    return any((place / name).exists() for place in (folder, ROOT / "engine", ROOT))


@pytest.mark.parametrize("name", ["tests", "assurance", "evals", "frontend", "deploy", "gallery", "docs"])
def test_a_folder_without_a_package_has_a_readme(name: str) -> None:
    assert (ROOT / name / "README.md").is_file()
