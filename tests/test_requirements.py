"""requirements.txt: everything that our code imports is pinned, at the version installed, above every known floor."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = ("api", "clients", "commands", "dashboard", "demo", "engine", "tests", "bench")
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
FLOORS = {
    "Jinja2": "3.1.6",
    "PyJWT": "2.12.0",
    "PyYAML": "5.4",
    "python-multipart": "0.0.31",
    "starlette": "1.1.0",
    "streamlit": "1.54.0",
    "urllib3": "2.7.0",
}
"""Older ones have known holes; the reasons stand beside the pins."""


def _sources() -> Iterator[Path]:
    yield from ROOT.glob("*.py")
    for folder in OURS:
        yield from (ROOT / folder).rglob("*.py")


def _imported() -> dict[str, Path]:
    """The top-level modules that our code imports, each with one file that does."""
    found: dict[str, Path] = {}
    for source in _sources():
        for node in ast.walk(ast.parse(source.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            found.update((name.partition(".")[0], source) for name in names)
    own = {*OURS, "app", "cli"}
    return {name: source for name, source in found.items() if name not in own | sys.stdlib_module_names}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def test_every_import_is_pinned() -> None:
    providers = packages_distributions()
    pinned = {_canonical(name) for name in PINS}
    missing = {
        name: str(source)
        for name, source in _imported().items()
        if not pinned & {_canonical(one) for one in providers.get(name, [])}
    }
    assert missing == {}


@pytest.mark.parametrize("name", sorted(PINS))
def test_the_pinned_version_is_the_installed_one(name: str) -> None:
    assert version(name) == PINS[name]


@pytest.mark.parametrize(("name", "floor"), FLOORS.items(), ids=FLOORS)
def test_no_pin_is_below_its_floor(name: str, floor: str) -> None:
    assert _numbers(PINS[name]) >= _numbers(floor)
