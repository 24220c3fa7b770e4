"""What is installed: all that is imported, each at one version with its hashes; and no test tools for users."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import cast

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from clients.service import install_command
from engine.base.errors import OrchestraError
from engine.base.services import services
from engine.connections.paces import opened_paces
from engine.ingress.brokers.broker import Topics
from engine.ingress.ingress import opened_broker
from engine.sandbox.backends.backend import BackendSettings
from engine.sandbox.backends.monty import Monty
from engine.store.blobs.opened import EXTRAS as EXTRAS_OF_LOGS
from engine.store.settings import Settings
from engine.store.sql.opening import open_database
from engine.store.taskiq.brokers import BrokerAddress

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("api", "clients", "commands", "dashboard", "demo", "engine", "app.py", "cli.py")
NOT_SHIPPED = ("tests", "assurance", "bench", "evals")
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
OPTIONAL = {name: _declared(texts) for name, texts in PROJECT["project"]["optional-dependencies"].items()}
OF_SEVERAL = {name: each["ai-orchestra"].extras for name, each in OPTIONAL.items() if "ai-orchestra" in each}
EXTRAS = {name: each for name, each in OPTIONAL.items() if name not in OF_SEVERAL}
ON_DEMAND = {name: one for each in EXTRAS.values() for name, one in each.items()}
DEV = _declared(PROJECT["dependency-groups"]["dev"])
PINS, DEV_PINS = _pins("requirements.txt"), _pins("requirements-dev.txt")
ALL_PINS = {**DEV_PINS, **PINS}


def _pinned(entry: list[str]) -> Requirement:
    return Requirement(entry[0].rstrip("\\ "))


@cache
def _imported(names: tuple[str, ...]) -> dict[str, Path]:
    """The top-level modules that are none of these, nor shipped, and that they import, each with one file that does."""
    found: dict[str, Path] = {}
    for source in _sources(names):
        for node in _statements(ast.parse(source.read_text()).body):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            found.update((module.partition(".")[0], source) for module in modules)
    ours = {name.removesuffix(".py") for name in (*SHIPPED, *names)}
    return {module: source for module, source in found.items() if module not in ours | sys.stdlib_module_names}


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
    ids=["the program by dependencies", "what is not shipped by dependencies and the group dev"],
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
    of_others = {"pytz", "uv", "pydantic-monty-runtime", "xllamacpp"}
    assert ON_DEMAND.keys() - imported == of_others, "of DuckDB's driver, and programs"
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
    in_dev = {name: one for name, one in ON_DEMAND.items() if name != "xllamacpp"}  # `make local-model` installs it
    assert {name: one.specifier for name, one in in_dev.items()} == {name: DEV[name].specifier for name in in_dev}
    assert all(one.extras <= DEV[name].extras for name, one in in_dev.items())


def test_one_word_installs_every_extra_and_one_those_of_servers() -> None:
    assert OF_SEVERAL.keys() == {"all", "server"}
    assert OF_SEVERAL["all"] == EXTRAS.keys() - OF_SEVERAL["server"] | {"server"}
    assert OF_SEVERAL["server"] < EXTRAS.keys()
    in_image = _pins("deploy/requirements.txt")
    assert all(EXTRAS[name].keys() <= in_image.keys() for name in OF_SEVERAL["server"])


UNASKED = cast("Settings", None)
MISSING: dict[str, tuple[str, Callable[[Path], object]]] = {
    "kafka": ("aiokafka", lambda _: opened_broker("kafka://127.0.0.1:9", Topics("orders", "us"))),
    "monty": ("pydantic_monty", lambda _: Monty(cast("BackendSettings", None)).lack()),
    "postgres": ("psycopg", lambda folder: open_database(folder, "postgresql://127.0.0.1:9/state")),
    "redis": ("redis", lambda folder: opened_paces(folder, UNASKED, is_shared=False, cache="redis://127.0.0.1:9")),
    "taskiq-nats": ("taskiq_nats", lambda _: BrokerAddress.parsed("taskiq+nats://127.0.0.1:9")),
}


@pytest.mark.parametrize("extra", MISSING)
def test_a_missing_package_is_told_with_the_command_that_installs_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    module, use = MISSING[extra]
    monkeypatch.setitem(sys.modules, module, None)
    try:
        told = str(use(tmp_path))
    except OrchestraError as error:
        told = error.remedy
    assert told.endswith(f": `{install_command(extra)}`.")


@pytest.mark.parametrize(
    ("has_pip", "begins"),
    [(True, "py -m pip install"), (False, "uv pip install --python py")],
    ids=["with pip", "an environment of uv"],
)
def test_that_command_is_for_the_environment_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_pip: bool, begins: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "py"))
    if not has_pip:
        monkeypatch.setitem(sys.modules, "pip", None)
    assert install_command("server") == f"{begins} 'ai-orchestra[server]'"


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
