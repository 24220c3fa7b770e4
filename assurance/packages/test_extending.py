"""The files of docs/extending.md, copied into a checkout of their own, do what the page says."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidInput
from engine.plugins.new_package import write_package
from tests.docs.pages import ROOT, text_of

pytestmark = pytest.mark.slow

PACKAGES = ("engine", "clients", "demo", "api", "dashboard", "commands", "cli.py", "app.py", ".streamlit")
FILE = re.compile(r"`([\w/.]+)`:\n\n```(?:python|json)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FUNCTION = re.compile(r"above the table:\n\n```python\n(.*?)^```$.*?```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PACKAGE = ROOT / "gallery" / "plugins" / "ntfy"
IN_CHECKOUT = {
    "orchestra_ntfy/client.py": "clients/ntfy.py",
    "orchestra_ntfy/steps.py": "engine/steps/ntfy.py",
    "orchestra_ntfy/triggers.py": "engine/triggers/ntfy.py",
}
FUNCTION_SCRIPT = """
from engine.expressions.cost import TOO_MUCH, work_of
from engine.expressions.expressions import compile_expression
from engine.expressions.function_table import FUNCTIONS
from engine.expressions.json_values import compact_json

[slug] = [one for one in FUNCTIONS if one.name == "slug"]
compiled = compile_expression(slug.example, frozenset())
assert compact_json(compiled.value({})) == slug.gives
assert work_of(compiled.written, {}) < TOO_MUCH
"""
LOOK_SCRIPT = """
import sys
from datetime import UTC, datetime
from engine.plugins.trigger import Look, Start
from engine.triggers.ntfy import NewMessage, TopicFields

class Client:
    def messages(self, topic, since):
        return [one for one in KEPT if one["time"] >= since]

KEPT = [{"id": f"m{number}", "time": 5 + number // 150, "message": "Smoke."} for number in range(160)]
seen, cursor = [], 5
for _ in range(4):
    unseen = lambda ids: [one for one in ids if one not in seen]
    now = datetime.fromtimestamp(9, UTC)
    found = NewMessage().look(Look(TopicFields(topic="alerts"), Client(), now, cursor, Start(), unseen, None))
    seen += [one.id for one in found.items]
    cursor = found.cursor
    print(len(found.items), found.has_more)
assert seen == [one["id"] for one in KEPT], len(seen)
"""
PAGE_SCRIPT = """
import sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
import streamlit as st
from engine import orchestra as engine
from engine.people.access import Principal

orchestra = engine.Orchestra.open(Path(sys.argv[1]), serve=True)
engine.shared = lambda: orchestra
signed_in = orchestra.users.redeem(orchestra.users.login_link(Principal("local:ada", "owner"), "owner"))
type(st.context).cookies = {"orchestra_session": signed_in.id}
at = AppTest.from_file("app.py", default_timeout=60)
at._page_hash = calc_hash(sys.argv[2])
at.run()
assert not at.exception, at.exception
print([one.value for kind in (at.title, at.header, at.info, at.text) for one in kind])
orchestra.close()
"""


@pytest.fixture
def ntfy() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The stand-in of the package: its address, and the messages that it keeps."""
    with runpy.run_path(str(PACKAGE / "orchestra_ntfy" / "stand_in.py"))["serving"]() as server:
        yield server


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the files of the page in it."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in PACKAGES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy(ROOT / name, folder)
    files = {IN_CHECKOUT.get(name, name): text for name, text in FILE.findall(text_of("docs/extending.md"))}
    assert len(files) == 5
    _add_function(folder / "engine/expressions/function_table.py")
    for name, text in files.items():
        place = (tmp_path / "workspace" if name.startswith("workflows/") else folder) / name
        assert not place.exists(), f"{name} is there already"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("orchestra_ntfy.client", "clients.ntfy"), encoding="utf-8")
    return folder


def _add_function(table: Path) -> None:
    """Put the function and the row of the page where it says."""
    [(function, row)] = FUNCTION.findall(text_of("docs/extending.md"))
    text = table.read_text(encoding="utf-8")
    text = text.replace("\nFUNCTIONS: ", f"\n{function}\nFUNCTIONS: ")
    text = text.replace("\n)  # fmt: skip", f"\n{row.rstrip()},\n)  # fmt: skip")
    table.write_text(text, encoding="utf-8")


@pytest.fixture
def orchestra(checkout: Path, tmp_path: Path, ntfy: tuple[str, list[dict[str, Any]]]) -> Callable[..., Any]:
    """Runs the command of that checkout on a workspace with one connection; returns what it prints, as JSON."""
    workspace = tmp_path / "workspace"
    connection = {"service": "ntfy", "token": "env:NTFY_TOKEN", "base_url": ntfy[0]}
    (workspace / "config.yaml").write_text(json.dumps({"connections": {"ntfy": connection}}))
    heard = {
        "schema_version": 1,
        "triggers": [{"id": "message", "uses": "ntfy.new_message", "with": {"topic": "alerts"}}],
        "inputs": {"type": "object", "properties": {"text": {"type": "string"}}},
        "steps": [{"id": "stop", "uses": "flow.fail", "with": {"message": "Heard {{ slug(inputs.text) }}."}}],
    }
    heard["triggers"][0]["inputs"] = {"text": "{{ item.message }}"}  # type: ignore[index]
    (workspace / "workflows" / "heard.json").write_text(json.dumps(heard))

    in_checkout = partial(_in_checkout, checkout)

    def run(*arguments: str, code: int = 0) -> Any:
        told = in_checkout("-m", "cli", *arguments, "--workspace", str(workspace))
        assert told.returncode == code, (told.stdout, told.stderr)
        return json.loads(told.stdout) if "--json" in arguments else told.stdout

    run.page = lambda path: in_checkout("-c", PAGE_SCRIPT, str(workspace), path)  # type: ignore[attr-defined]
    return run


def _in_checkout(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python there."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(checkout.parent), "NTFY_TOKEN": "tk_right"}
    environment["PYTHONPATH"] = str(checkout)
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def test_the_files_of_the_page_are_those_of_the_package() -> None:
    files = dict(FILE.findall(text_of("docs/extending.md")))
    for name in IN_CHECKOUT:
        assert files[name] == (PACKAGE / name).read_text(encoding="utf-8"), name


@pytest.mark.parametrize("name", ["github", "class", "Ünïcode", "../x", ""])
def test_a_package_for_an_impossible_name_is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="The service "):
        write_package(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_new_package_passes_its_tests_in_an_environment_of_its_own(tmp_path: Path) -> None:
    """In one that has the product, what it needs and the package by a path file, as nothing is downloaded here."""
    venv.create(tmp_path / "venv", symlinks=True)
    python, package = tmp_path / "venv" / "bin" / "python", tmp_path / "orchestra-zulip"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path / "venv")}))
    (site / "product.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n{package}\n")

    def run(*arguments: str, cwd: Path = tmp_path) -> None:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        ran = subprocess.run(
            [python, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, (ran.stdout, ran.stderr)

    run("-m", "cli", "plugins", "new", "zulip")
    run("-c", "from setuptools import setup; setup()", "--quiet", "egg_info", cwd=package)
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", "orchestra-zulip")


def test_the_example_of_the_function_gives_what_it_says(checkout: Path) -> None:
    ran = _in_checkout(checkout, "-c", FUNCTION_SCRIPT)
    assert ran.returncode == 0, ran.stderr


def test_more_messages_in_a_second_than_a_look_lists_are_all_listed(checkout: Path) -> None:
    ran = _in_checkout(checkout, "-c", LOOK_SCRIPT)
    assert ran.returncode == 0, (ran.stdout, ran.stderr)
    assert ran.stdout.splitlines() == ["100 True", "60 False", "0 False", "0 False"]


def test_a_client_a_step_a_trigger_and_a_page_are_one_file_each(
    orchestra: Callable[..., Any], ntfy: tuple[str, list[dict[str, Any]]]
) -> None:
    kept = ntfy[1]
    checked = orchestra("connections", "check", "--json")
    assert "Signed in as ada." in json.dumps(checked)

    run = orchestra("run", "push", "--yes", "--json")
    assert run["status"] == "succeeded"
    orchestra("runs", "rerun", run["run_id"], "--yes", "--json")
    assert [one["message"] for one in kept] == ["It works."]

    orchestra("triggers", "on", "heard", "--from", "now", "--yes", "--json")
    kept.append({"id": "x1", "time": int(time.time()) + 1, "event": "message", "topic": "alerts", "message": "Smoke!"})
    orchestra("triggers", "poll", "heard", "--json", code=1)  # as the run that it starts fails
    heard = orchestra("runs", "list", "--workflow", "heard", "--json")["runs"]
    assert [(one["status"], one["sentence"]) for one in heard] == [("failed", heard[0]["sentence"])]
    assert "Heard smoke." in heard[0]["sentence"]

    page = orchestra.page("failures")  # type: ignore[attr-defined]
    assert page.returncode == 0, page.stderr
    assert "Heard smoke." in page.stdout


def test_the_connections_page_shows_the_new_service(orchestra: Callable[..., Any]) -> None:
    page = orchestra.page("connections")  # type: ignore[attr-defined]
    assert page.returncode == 0, page.stderr
    assert "ntfy" in orchestra("connections", "list")
