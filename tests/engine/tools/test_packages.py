"""Packages of tools: locked with hashes, only wheels, without network once they are there, and kept by runs."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clients.errors import InvalidRequest, ServiceError, Unavailable
from engine.base.errors import InvalidFile
from engine.orchestra import Orchestra
from engine.sandbox.inside.python_front import place_of_packages
from engine.sandbox.walls import walls
from engine.tools import packages
from tests.engine.conftest import OWNER, Run, write_workflow
from tests.engine.tools.index import put_source, put_wheel
from tests.engine.tools.test_tools import refusal, step, write_tool
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")
USES = "import doubling\noutput = {'n': doubling.double(inputs['n'])}"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A local index with `doubling` 1.0 and 2.0, which needs `base`."""
    folder = tmp_path / "index"
    folder.mkdir()
    put_wheel(folder, "doubling", "1.0", "def double(n): return n * 2")
    put_wheel(folder, "doubling", "2.0", "import base\ndef double(n): return base.by(n, 2)", requires="base>=1")
    put_wheel(folder, "base", "1.5", "def by(n, m): return n * m")
    put_source(folder, "onlysource", "1.0", f"open({str(tmp_path / 'ran')!r}, 'w')")
    (tmp_path / "nothing").mkdir()
    monkeypatch.setenv("UV_DEFAULT_INDEX", (tmp_path / "nothing").as_uri())
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    packages._whole.clear()
    return folder


def _files(root: Path) -> Path:
    [made] = [one for one in (root / ".orchestra" / "packages").iterdir() if one.is_dir()]
    return made


def test_a_tool_uses_its_packages_without_network_once_they_are_locked(
    root: Path, orchestra: Orchestra, run: Run, index: Path
) -> None:
    folder = write_tool(root, USES, dependencies=["doubling"])
    with pytest.raises(InvalidFile, match="not locked"):
        orchestra.tools.test(OWNER, "twice")
    found = orchestra.tools.lock(OWNER, "twice")
    assert (found.packages, found.changed) == (("base 1.5", "doubling 2.0"), True)
    assert not orchestra.tools.lock(OWNER, "twice").changed
    assert orchestra.tools.test(OWNER, "twice").passed
    shutil.rmtree(index)
    assert run([step()])["steps"][0]["output"] == {"n": 42}
    assert orchestra.tools.show(OWNER, "twice").packages == ("base 1.5", "doubling 2.0")
    lock = folder / "requirements.lock"
    lock.write_text(lock.read_text() + "# one more\n")
    assert "was changed after its last test" in str(refusal(run, step()))


@pytest.mark.parametrize(
    ("dependencies", "said", "remedy"),
    [
        (["nosuch"], "nosuch", "name of the package"),
        (["onlysource"], "no usable wheels", "that has a wheel"),
        (["doubling>=2", "doubling<2"], "unsatisfiable", "one version of each"),
        (["doubling==3"], "doubling==3", "one version of each"),
    ],
)
def test_a_dependency_that_cannot_be_locked_is_refused_with_a_sentence(
    root: Path, orchestra: Orchestra, index: Path, dependencies: list[str], said: str, remedy: str
) -> None:
    folder = write_tool(root, USES, dependencies=dependencies)
    with pytest.raises(InvalidRequest, match=said) as caught:
        orchestra.tools.lock(OWNER, "twice")
    assert "The dependencies of the tool 'twice' cannot be locked" in caught.value.message
    assert remedy in caught.value.remedy
    assert not (folder / "requirements.lock").exists()
    assert not (index.parent / "ran").exists(), "building it has run its code"


def test_without_an_index_or_uv_the_refusal_says_so(
    root: Path, orchestra: Orchestra, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tool(root, USES, dependencies=["doubling"])
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://someone:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.delenv("UV_FIND_LINKS")
    with pytest.raises(Unavailable, match="cannot be locked") as caught:
        orchestra.tools.lock(OWNER, "twice")
    assert "secret" not in caught.value.message
    assert caught.value.outcome == "not_done"
    monkeypatch.setattr("engine.tools.uv.uv_program", str)
    with pytest.raises(InvalidRequest, match="need uv") as missing:
        orchestra.tools.lock(OWNER, "twice")
    assert "pip install 'ai-orchestra[tools]'" in missing.value.remedy


@pytest.mark.parametrize(
    ("dependencies", "said"),
    [
        (["doubling @ https://example.org/a.whl"], "names an address"),
        (["doubling @ file:///etc"], "names an address"),
        (["--index-url https://example.org"], "is not a dependency"),
        (["-r /etc/passwd"], "is not a dependency"),
        (["../there"], "is not a dependency"),
        (["doubling\nbase"], "is not a dependency"),
        (["base"] * 51, "more than 50"),
    ],
)
def test_only_names_of_packages_are_dependencies(
    root: Path, orchestra: Orchestra, dependencies: list[str], said: str
) -> None:
    write_tool(root, USES, dependencies=dependencies)
    assert said in orchestra.tools.show(OWNER, "twice").problem
    write_tool(root, "echo", language="shell", dependencies=["base"])
    assert "has no packages here" in orchestra.tools.show(OWNER, "twice").problem


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda text: text + "--extra-index-url https://example.org/simple\n", ", is neither a package"),
        (lambda text: text + "evil @ https://example.org/a.whl\n", "is neither"),
        (lambda text: text.replace("sha256:", "sha256:0"), "is neither"),
        (lambda text: text.replace("==2.0 ", "==2.0 ; python_version > '${UV_INDEX_X_PASSWORD}' "), "is neither"),
        (lambda text: text.replace("# for: doubling", "# for: base"), "have changed since"),
    ],
)
def test_a_lock_holds_nothing_but_packages_and_hashes(
    root: Path, orchestra: Orchestra, index: Path, changed: Any, said: str
) -> None:
    folder = write_tool(root, USES, dependencies=["doubling"])
    orchestra.tools.lock(OWNER, "twice")
    lock = folder / "requirements.lock"
    lock.write_text(changed(lock.read_text()))
    with pytest.raises(InvalidFile, match=said):
        orchestra.tools.test(OWNER, "twice")


def test_a_file_other_than_the_locked_one_is_not_installed(root: Path, orchestra: Orchestra, index: Path) -> None:
    write_tool(root, USES, dependencies=["doubling"])
    orchestra.tools.lock(OWNER, "twice")
    shutil.rmtree(_files(root))
    packages._whole.clear()
    put_wheel(index, "base", "1.5", "def by(n, m): return 666")
    shutil.rmtree(index.parent / "uv")
    with pytest.raises(ServiceError, match="Hash mismatch"):
        orchestra.tools.test(OWNER, "twice")


def test_packages_that_are_damaged_or_gone_are_made_anew_and_the_demo_downloads_nothing(
    root: Path, orchestra: Orchestra, index: Path
) -> None:
    write_tool(root, USES, dependencies=["doubling"])
    orchestra.tools.lock(OWNER, "twice")
    base = _files(root) / "packages" / "base.py"
    good = base.read_text()
    base.write_text("def by(n, m): return 666")
    packages._whole.clear()  # as in another process
    assert orchestra.tools.test(OWNER, "twice").passed
    assert base.read_text() == good
    shutil.rmtree(_files(root))
    with pytest.raises(InvalidRequest, match="the demo downloads nothing"):
        orchestra.tools.test(OWNER, "twice", demo=True)
    assert orchestra.tools.test(OWNER, "twice").passed
    assert orchestra.tools.test(OWNER, "twice", demo=True).passed
    assert _files(root).parent.stat().st_mode & 0o077 == 0


def test_a_waiting_run_goes_on_with_the_packages_of_its_version(root: Path, index: Path) -> None:
    write_tool(root, USES, dependencies=["doubling==1.0"])
    wait = {"id": "wait", "uses": "flow.approve", "with": {"message": "Go on?"}}
    write_workflow(root, "work", [wait, step(needs=["wait"])])
    with closing(Orchestra.open(root)) as first:
        first.tools.lock(OWNER, "twice")
        assert first.tools.test(OWNER, "twice").passed
        run_id = first.runs.start(OWNER, "work", {})
        until(lambda: first.runs.get(OWNER, run_id)["status"] == "waiting", "the run to wait")
    code = f"{USES}\nimport importlib.metadata as kept\noutput['v'] = kept.version('doubling')"
    output = {"type": "object", "properties": {"n": {"type": "integer"}, "v": {"type": "string"}}, "required": ["n"]}
    write_tool(root, code, dependencies=["doubling==2.0"], version="1.1.0", output=output)
    (root / "tools" / "twice" / "tests" / "one.json").write_text('{"input": {"n": 1}, "output": {"n": 2, "v": "2.0"}}')
    shutil.rmtree(root / ".orchestra" / "packages")
    packages._whole.clear()
    with closing(Orchestra.open(root)) as second:
        second.tools.lock(OWNER, "twice")
        assert second.tools.test(OWNER, "twice").passed
        [asked] = second.approvals.list(OWNER)
        second.approvals.approve(OWNER, asked.id)
        second.runs.resume(OWNER, run_id)
        document: Any = second.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert document["steps"][-1]["output"] == {"n": 42}
        assert len([one for one in (root / ".orchestra" / "packages").iterdir() if one.is_dir()]) == 2


def test_what_others_put_into_shared_folders_decides_nothing(
    root: Path, orchestra: Orchestra, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, theirs = tmp_path / "tmp", tmp_path / "theirs"
    program = shared / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    theirs.mkdir()
    put_wheel(theirs, "doubling", "9.0", "def double(n): return 0")
    (shared / "uv.toml").write_text(f'find-links = ["{theirs}"]\n')
    (shared / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    program.write_text(f'#!/bin/sh\ntouch {tmp_path / "ran"}\nexec {sys.executable} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    monkeypatch.chdir(shared)
    write_tool(root, USES, dependencies=["doubling"])
    assert orchestra.tools.lock(OWNER, "twice").packages == ("base 1.5", "doubling 2.0")
    assert not (tmp_path / "ran").exists()


def test_locked_packages_stand_behind_python_and_before_what_is_installed() -> None:
    own = ["/usr/lib/python311.zip", "/usr/lib/python3.11"]
    assert place_of_packages(own) == 2
    assert place_of_packages([*own, "/usr/local/lib/python3.11/dist-packages", "/usr/lib/python3/dist-packages"]) == 2
