"""What is installed: all that is imported, each at one version with its hashes; and no test tools for users."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from engine.base.services import services
from engine.store.blobs.opened import EXTRAS as EXTRAS_OF_LOGS

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("api", "clients", "commands", "dashboard", "demo", "engine", "app.py", "cli.py")
NOT_SHIPPED = ("tests", "bench")
OURS = {name.removesuffix(".py") for name in (*SHIPPED, *NOT_SHIPPED)}
NOT_IMPORTED = {"fastapi-swagger", "jinja2", "urllib3", "websockets"}
"""Each has its reason in pyproject.toml."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _declared(texts: Iterable[str]) -> dict[str, Requirement]:
    return {canonicalize_name(one.name): one for one in map(Requirement, texts)}


def _pins(file: str) -> dict[str, list[str]]:
    """The lines of each package of a requirements file: its version, then its hashes."""
    text = re.sub(r" *#.*", "", (ROOT / file).read_text())
    entries = [
        entry.split("\n") for entry in re.findall(r"^[\w.-]+(?:\[.*\])?==.*(?:\n +--hash=\S+.*)*", text, re.MULTILINE)
    ]
    return {canonicalize_name(re.split(r"\[|==", entry[0])[0]): entry for entry in entries}


RUN = _declared(PROJECT["project"]["dependencies"])
EXTRAS = {name: _declared(texts) for name, texts in PROJECT["project"]["optional-dependencies"].items()}
ON_DEMAND = {name: one for each in EXTRAS.values() for name, one in each.items()}
DEV = _declared(PROJECT["dependency-groups"]["dev"])
PINS, DEV_PINS = _pins("requirements.txt"), _pins("requirements-dev.txt")
ALL_PINS = {**DEV_PINS, **PINS}


def _pinned(entry: list[str]) -> Requirement:
    return Requirement(entry[0].rstrip("\\ "))


@cache
def _imported(names: tuple[str, ...]) -> dict[str, Path]:
    """The top-level modules of others that our code imports, each with one file that does."""
    found: dict[str, Path] = {}
    for source in _sources(names):
        for node in _statements(ast.parse(source.read_text()).body):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            found.update((module.partition(".")[0], source) for module in modules)
    return {module: source for module, source in found.items() if module not in OURS | sys.stdlib_module_names}


def _statements(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield all statements, without a look at their expressions, which are most of a file."""
    for statement in body:
        yield statement
        for inner in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _statements(getattr(statement, inner, ()))


@cache
def _providers() -> Mapping[str, Sequence[str]]:
    """The packages that bring each top-level module: a look at every file of each."""
    return packages_distributions()


def _sources(names: Iterable[str]) -> Iterator[Path]:
    for path in (ROOT / name for name in names):
        yield from path.rglob("*.py") if path.is_dir() else [path]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sources", "declared"),
    [(SHIPPED, {**RUN, **ON_DEMAND}), (NOT_SHIPPED, {**RUN, **DEV})],
    ids=["the program by dependencies", "tests and bench by dependencies and the group dev"],
)
def test_every_import_is_declared(sources: tuple[str, ...], declared: Mapping[str, Requirement]) -> None:
    providers = _providers()
    missing = {
        module: str(source)
        for module, source in _imported(sources).items()
        if not declared.keys() & {canonicalize_name(one) for one in providers.get(module, [])}
    }
    assert missing == {}


@pytest.mark.parametrize(("declared", "pins"), [(RUN, PINS), (DEV, DEV_PINS)], ids=["run", "dev"])
def test_what_is_declared_is_pinned_within_its_bounds(
    declared: Mapping[str, Requirement], pins: Mapping[str, list[str]]
) -> None:
    outside = [
        str(wanted)
        for name, wanted in declared.items()
        if name not in pins or not wanted.specifier.contains(str(_pinned(pins[name]).specifier).removeprefix("=="))
    ]
    assert outside == [], "run: make requirements"


@pytest.mark.slow
def test_users_get_nothing_that_the_program_does_not_import() -> None:
    providers = _providers()
    imported = {canonicalize_name(one) for module in _imported(SHIPPED) for one in providers.get(module, [])}
    assert RUN.keys() - imported == NOT_IMPORTED
    assert not ON_DEMAND.keys() & RUN.keys()
    assert ON_DEMAND.keys() - imported == {"pytz", "uv", "pydantic-monty-runtime"}, "of DuckDB's driver, and programs"
    assert DEV.keys() & PINS.keys() == {"google-auth", "google-auth-httplib2"}, "which Google's client brings"


def test_each_extra_is_known_and_installed_for_tests() -> None:
    named = {one.name: one.package for one in [*(service.extra for service in services()), *EXTRAS_OF_LOGS] if one}
    brokers = {"kafka": "aiokafka", "nats": "nats-py", "rabbitmq": "aio-pika"}
    traces = {"traces": "opentelemetry-exporter-otlp-proto-http"}
    cache = {"redis": "redis"}
    announcements = {"taskiq-nats": "taskiq-nats", "taskiq-rabbitmq": "taskiq-aio-pika"}
    assert named | brokers | traces | cache | announcements | {"tools": "uv", "monty": "pydantic-monty-client"} == {
        name: next(iter(declared)) for name, declared in EXTRAS.items()
    }
    assert {name: one.specifier for name, one in ON_DEMAND.items()} == {name: DEV[name].specifier for name in ON_DEMAND}
    assert all(one.extras <= DEV[name].extras for name, one in ON_DEMAND.items())


def test_both_files_agree_on_what_they_share() -> None:
    shared = PINS.keys() & DEV_PINS.keys()
    assert {name: _pinned(PINS[name]).specifier for name in shared} == {
        name: _pinned(DEV_PINS[name]).specifier for name in shared
    }


def test_the_image_installs_what_is_locked_and_what_builds_it() -> None:
    in_image = _pins("deploy/requirements.txt")
    assert {name: entry[0] for name, entry in PINS.items()}.items() <= {
        name: entry[0] for name, entry in in_image.items()
    }.items(), "run: make requirements"
    assert PROJECT["dependency-groups"]["image"] == PROJECT["build-system"]["requires"]
    assert "hatchling" in in_image


def test_each_pin_has_hashes_and_is_the_installed_version() -> None:
    for name, lines in ALL_PINS.items():
        wanted = _pinned(lines)
        assert len(lines) > 1, name
        if wanted.marker is None or wanted.marker.evaluate():
            assert wanted.specifier.contains(version(name)), name
