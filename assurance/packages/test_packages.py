"""Installed packages: what may be added, what is refused, and that a server starts whatever they do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from assurance.packages.written import install, orchestra, python
from tests.workspaces import init

CLIENT = """
from pydantic import BaseModel, ConfigDict
from clients.client import Client
from clients.reads import ReadRequest
from clients.service import Service

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

class NAMEClient(Client):
    service = Service(name="NAME", title="NAME", icon="star", settings=Settings, MORE)
    @classmethod
    def open(cls, settings, opening):
        return cls()
    def account(self):
        return "ada"
    def check(self):
        return []
"""
STEP = """
from pydantic import Field
from engine.plugins.step import *
from engine.plugins.step import address, option, outside, own, content, destination, found_file, sender
from engine.plugins.trigger import *

class Given(Fields):
    text: str = content("Text", "")
    FIELDS

class Got(Output):
    OUTPUT

class Kind(StepType):
    "Does something."
    name = "NAME"
    title = "Something"
    fields = Given
    output = Got
    MORE
    def call(self, call):
        return CALL
"""


def client(name: str, more: str = "") -> str:
    return CLIENT.replace("NAME", name).replace("MORE", more)


def step(name: str, fields: str = "", output: str = "text: str = ''", more: str = "", call: str = "{}") -> str:
    filled = STEP.replace("NAME", name).replace("FIELDS", fields).replace("OUTPUT", output)
    return filled.replace("MORE", more).replace("CALL", call)


SERVICES, STEPS_OF = "[ai_orchestra.services]\nx = {}\n", "[ai_orchestra.steps]\nx = {}\n"
FUNCTION = "[ai_orchestra.functions]\n{} = {}:call\n"
TRIGGER = """
from engine.plugins.step import Fields, Output
from engine.plugins.trigger import TriggerType, Found
class Kind(TriggerType):
    name = "github.mention"
    title = "A mention"
    fields = Fields
    item = Output
    def look(self, look):
        return Found([], None)
"""
REFUSED: dict[str, tuple[str, str, str]] = {
    "replaces-step": (STEPS_OF, step("github.create_issue", more="service = 'github'"), "'github.create_issue' comes"),
    "replaces-trigger": ("[ai_orchestra.triggers]\nx = {}\n", TRIGGER, "'github.mention' comes with this program"),
    "replaces-service": (SERVICES, client("github"), "'github' comes with this program"),
    "named-as-shared-code": (SERVICES, client("chats"), "'chats' comes with this program"),
    "poses-as-tool": (STEPS_OF, step("tool.evil"), "no name of a type"),
    "import-error": (STEPS_OF, "import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax-error": (STEPS_OF, "def", "SyntaxError"),
    "no-class": (STEPS_OF, "", "has no StepType"),
    "no-client": (SERVICES, "", "has no client"),
    "bad-declaration": (STEPS_OF, step("bad.one", more="effect = 1 / 0"), "ZeroDivisionError"),
    "bad-schema": (STEPS_OF, step("bad.two", more="def output_schema(self, a, p): raise OSError('x')"), "OSError"),
    "writes-without-service": (STEPS_OF, step("bad.three", more="effect = Effect.WRITES"), "has an effect but no"),
    "unknown-service": (STEPS_OF, step("bad.four", more="service = 'nowhere'"), "'nowhere', which there is not"),
    "text-without-role": (STEPS_OF, step("bad.five", fields="to: list[str] = option('To', [])"), "`to` of 'bad.five'"),
    "any-fields": (STEPS_OF, step("bad.six", fields="model_config = {'extra': 'allow'}"), "take any name"),
    "others-files": (STEPS_OF, step("bad.seven", more="keeps_files = True"), "`keeps_files`"),
    "own-hosts": (SERVICES, client("evil1", "shown_at=('evil.example',)"), "`shown_at`"),
    "poses-as-model": (SERVICES, client("evil2", "kind='model'"), "`kind`"),
    "removes-files": (SERVICES, client("evil3", "demo_file='state.db'"), "`demo_file`"),
    "post-is-a-read": (SERVICES, client("evil4", "reads=(ReadRequest('POST', '/x'),)"), "POST /x as a read"),
    "reads-anywhere": (SERVICES, client("evil5", "reads=(ReadRequest('GET', '/**', at='anywhere'),)"), "GET /** as a"),
    "takes-a-picker": (SERVICES, client("evil6", "pickers={'github-repository': 'x'}"), "'github-repository'"),
    "function-of-cel": (FUNCTION.format("matches", "{}"), "def call(x): return ''", "'matches' has a name"),
    "function-of-an-extension": (FUNCTION.format("reverse", "{}"), "def call(x): return ''", "'reverse' has a name"),
    "function-of-ours": (FUNCTION.format("to_json", "{}"), "def call(x): return ''", "'to_json' has a name"),
    "macro": (FUNCTION.format("exists", "{}"), "def call(x): return ''", "'exists' has a name"),
    "exits": (STEPS_OF, "import sys; sys.exit(3)", "SystemExit"),
    "exits-at-once": (STEPS_OF, "import os; os._exit(0)", "ended the process"),
    "page-breaks": ("[ai_orchestra.pages]\nx = {}\n", "raise RuntimeError('no page')", "RuntimeError: no page"),
    "twice-a": (STEPS_OF, step("same.name"), "twice-b adds 'same.name', too"),
    "twice-b": (STEPS_OF, step("same.name"), "twice-a adds 'same.name', too"),
}  # fmt: skip
IN_FORCE: dict[str, tuple[str, str]] = {
    "whole": (SERVICES, client("whole", "reads=(ReadRequest('GET', '/x'),)")),
    "one-more-of-github": (STEPS_OF, step("github.star_everything", more="service = 'github'; effect = Effect.READS")),
    "lies": (
        STEPS_OF,
        step(
            "lies.read",
            output="a: str = own('A', ''); b: str = sender('B', ''); c: str = address('C', '');"
            "d: str = found_file('D', '')\n    e: Literal['x'] = 'x'; n: int = 1",
            call="{'a': 'evil', 'b': 'evil', 'c': 'evil', 'd': 'evil', 'e': 'evil', 'n': 1}",
        ).replace("from pydantic", "from typing import Literal\nfrom pydantic"),
    ),
    "orders": (STEPS_OF, step("orders.call", call="CallWorkflow('other', {})")),
    "shouts": (FUNCTION.format("shout", "{}"), "def call(value):\n    'In capitals.'\n    return value.upper()"),
    "no-text": (FUNCTION.format("no_text", "{}"), "def call(value):\n    return 1"),
    "endless": (FUNCTION.format("endless", "{}"), "def call(value):\n    while True: pass"),
}


def _installed(folder: Path, packages: Mapping[str, Sequence[str]]) -> Path:
    for name, (entries, text, *_) in packages.items():
        module = name.replace("-", "_") + "_package"
        install(folder, name, entries.replace("{}", module), {module: text})
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the path with the whole packages."""
    return _installed(tmp_path_factory.mktemp("path"), IN_FORCE)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return init(tmp_path_factory.mktemp("workspace") / "w").root


def _listed(folder: Path, workspace: Path) -> dict[str, dict[str, Any]]:
    told = orchestra(folder, "plugins", "list", "--workspace", str(workspace), "--json")
    return {one["name"]: one for one in told["plugins"]}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, workspace: Path) -> dict[str, dict[str, Any]]:
    """What the command lists of all packages, the wrong ones too."""
    return _listed(_installed(tmp_path_factory.mktemp("all"), {**REFUSED, **IN_FORCE}), workspace)


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_a_package_that_is_broken_or_widens_something_is_named_and_left_out(
    listed: dict[str, dict[str, Any]], name: str
) -> None:
    assert listed[name]["state"] == "left out"
    assert any(one in listed[name]["reason"] for one in REFUSED[name][2].split("|")), listed[name]
    assert listed[name]["adds"] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_FORCE)
def test_a_whole_package_is_in_force(listed: dict[str, dict[str, Any]], name: str) -> None:
    assert (listed[name]["state"], listed[name]["reason"]) == ("in force", "")
    assert len(listed[name]["adds"]) == 1


def _problems(folder: Path, workspace: Path, *steps: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the step and the code of each error in a workflow."""
    (workspace / "workflows" / "tried.json").write_text(json.dumps({"schema_version": 1, "steps": steps}))
    told = python(folder, "-m", "cli", "validate", "tried", "--workspace", str(workspace), "--json")
    found = json.loads(told.stdout)["problems"]
    return {(str(one["step"]), one["code"]) for one in found if one["severity"] == "error"}


READ = {"id": "read", "uses": "lies.read", "with": {}}


def _fetched(step: str, url: str) -> dict[str, Any]:
    return {"id": step, "uses": "http.request", "connection": "http", "with": {"url": url, "method": "GET"}}


@pytest.mark.slow
def test_a_text_of_a_package_comes_from_outside_whatever_it_declares(folder: Path, workspace: Path) -> None:
    sent = [_fetched(one, f"{{{{ steps.read.output.{one} }}}}") for one in "abcde"]
    file = {"id": "file", "uses": "file.read", "with": {"file": "{{ steps.read.output.d }}"}}
    number = _fetched("number", "https://example.org/{{ steps.read.output.n }}")
    found = _problems(folder, workspace, READ, *sent, file, number)
    assert {step for step, code in found if code == "outside_destination"} == {*"abcde", "file"}


@pytest.mark.slow
def test_a_function_of_a_package_launders_nothing_and_is_called_in_the_process_with_limits(
    folder: Path, workspace: Path
) -> None:
    sent = _fetched("send", "{{ shout(steps.read.output.a) }}")
    assert ("send", "outside_destination") in _problems(folder, workspace, READ, sent)
    script = """
import os
from engine.base.errors import ExpressionError
from engine.expressions.expressions import compile_expression
def told(source):
    try:
        return compile_expression(source, frozenset({"inputs"})).value({"inputs": {"x": "Hi"}})
    except ExpressionError as error:
        return error.message
print([told(f"{name}(inputs.x)") for name in ("shout", "no_text", "endless")])
"""
    told = python(folder, "-c", script)
    assert told.returncode == 0, told.stderr
    shout, no_text, endless = eval(told.stdout)
    assert (shout, "int in place of a text" in no_text) == ("HI", True)
    assert "endless" not in endless or "too" in endless


@pytest.mark.slow
def test_a_step_of_a_package_gives_no_orders_to_the_engine(folder: Path, workspace: Path) -> None:
    (workspace / "workflows" / "orders.json").write_text(
        json.dumps({"schema_version": 1, "steps": [{"id": "do", "uses": "orders.call", "with": {}}]})
    )
    run = orchestra(folder, "run", "orders", "--yes", "--json", "--workspace", str(workspace), code=1)
    assert "which no step type of a package may" in json.dumps(run)


@pytest.mark.slow
def test_a_package_that_is_switched_off_adds_nothing(folder: Path, tmp_path: Path) -> None:
    workspace = init(tmp_path / "w").root
    config = workspace / "config.yaml"
    config.write_text(config.read_text().replace("  # disabled: [orchestra-ntfy]", "  disabled: [LIES, shouts]"))
    states = {name: one["state"] for name, one in _listed(folder, workspace).items()}
    assert (states["lies"], states["shouts"], states["whole"]) == ("switched off", "switched off", "in force")
    assert {code for _, code in _problems(folder, workspace, READ)} == {"unknown_step_type"}


@pytest.mark.slow
def test_an_import_that_hangs_is_ended(tmp_path: Path, workspace: Path) -> None:
    hangs = (STEPS_OF, "import time; time.sleep(600)")
    found = _listed(_installed(tmp_path, {"hangs": hangs, "whole": IN_FORCE["whole"]}), workspace)
    assert "did not end within 15 seconds" in found["hangs"]["reason"]
    assert found["whole"]["state"] == "in force"
