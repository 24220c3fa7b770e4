"""Each backend that is there runs code alike; the first that has what the code needs is taken, else none."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from clients.code.service import CodeSettings
from clients.errors import CodeFailed, InvalidRequest, LimitExceeded, SandboxMissing
from engine.sandbox.backends import docker, ladder
from engine.sandbox.backends.backend import CodeNeeds
from engine.sandbox.backends.bubblewrap import Bubblewrap
from engine.sandbox.backends.docker import Docker
from engine.sandbox.backends.ladder import backends, lines, refusal
from engine.sandbox.backends.monty import Monty
from engine.sandbox.code.proxy import ProxySession
from engine.sandbox.code.running import CodeLimits, CodeToRun, run
from tests.engine.sandbox.attempts import ATTEMPTS, OF_THE_IMAGE
from tests.engine.sandbox.conftest import IMAGE, setup_of, tried

FEW = CodeLimits(seconds=10, memory_mb=128, processes=40, disk_mb=8, output_kb=50)
NEVER = "is not there in this test"
LACKS = {one.name: one.lack() for name in ("bubblewrap", "docker", "monty") for one in backends(setup_of(name))}
each = pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=pytest.mark.skipif(bool(lack), reason=lack)) for name, lack in LACKS.items()]
)
needs_docker = pytest.mark.skipif(bool(LACKS["docker"]), reason=LACKS["docker"])
SAMPLE = (
    *("read a secret", "read by a link", "reach a server on this machine", "reach the container service"),
    *("find a process of outside", "find an environment variable", "have capabilities", "make a keyring"),
    *("reach what runs it", "fork in all children", "fill the memory", "end what started it", "leave a device"),
)
"""Of the attempts, over Docker; `make assurance` makes all."""


def code(text: str, backend: str, **fields: Any) -> CodeToRun:
    inputs = fields.pop("inputs", {"amounts": [1, 2.5], "name": "Ä"})
    limits = replace(FEW, seconds=fields.pop("seconds", FEW.seconds))
    return CodeToRun(fields.pop("language", "python"), text, inputs, setup_of(backend), limits, FEW, **fields)


@each
def test_inputs_go_in_and_output_and_words_come_out(backend: str) -> None:
    ran = run(code("print('said')\noutput = {'sum': sum(inputs['amounts']), 'name': inputs['name']}", backend), [])
    assert (ran.output, ran.stdout, ran.stderr) == ({"sum": 3.5, "name": "Ä"}, "said\n", "")
    assert run(code("import json\nprint(json.dumps(inputs))", backend, inputs={"a": 1}), []).output == {"a": 1}


FAILS = {
    "line": ("a = 1\ndef f():\n    return inputs['no']\nf()\n", CodeFailed, "Line 3 of the code failed"),
    "seconds": ("while True:\n    pass", LimitExceeded, "longer than 2 seconds"),
    "memory": ("kept = []\nwhile True:\n    kept.append('x' * 1_000_000)", LimitExceeded, "128 MB of memory"),
    "output": ("while True:\n    print('x' * 1000)", LimitExceeded, "printed more than 50 KB"),
}


@each
@pytest.mark.parametrize("name", FAILS)
def test_an_error_names_the_line_or_the_limit(backend: str, name: str) -> None:
    text, kind, words = FAILS[name]
    with pytest.raises(kind, match=words):
        run(code(text, backend, seconds=2 if name == "seconds" else 10), [])


@needs_docker
def test_a_container_leaves_files_and_nothing_else(tmp_path: Path) -> None:
    text = "import os\nos.mkdir('/w/out')\nopen('/w/out/a.txt', 'w').write(open('/in/inputs.json').read())\n"
    ran = run(code(text, "docker", inputs={"a": 1}), [])
    assert [(one.path, json.loads(one.content)) for one in ran.files] == [("a.txt", {"a": 1})]
    with pytest.raises(LimitExceeded, match=r"processes and threads"):
        run(code("import os\nwhile True:\n    os.fork()", "docker"), [])
    with pytest.raises(LimitExceeded, match="8 MB"):
        run(code("open('/w/x', 'wb').write(bytes(9 * 2**20))", "docker"), [])
    assert run(code("echo '{\"a\": 1}'", "docker", language="shell"), []).output == {"a": 1}
    assert containers() == []


@needs_docker
def test_a_container_reaches_the_hosts_of_its_list_and_no_others() -> None:
    text = "import os, socket\ns = socket.create_connection(('127.0.0.1', 3128), 5)\n"
    text += "s.sendall(b'CONNECT example.org:443 HTTP/1.1\\r\\n\\r\\n')\noutput = s.recv(100).decode()"
    ran = run(code(text, "docker", way=ProxySession.to(["example.com"], [])), [])
    assert "403" in ran.output


@needs_docker
@pytest.mark.slow
def test_nobody_is_left_when_the_program_dies() -> None:
    script = "from tests.engine.sandbox.test_backends import code, run\n"
    script += "run(code('import time; time.sleep(60)', 'docker'), [])"
    settings = {**os.environ, "CODE_IMAGE": IMAGE}
    dying = subprocess.Popen([os.sys.executable, "-c", script], env=settings)  # type: ignore[attr-defined]
    deadline = time.monotonic() + 60
    while not containers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert containers()
    dying.kill()
    dying.wait()
    while containers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert containers() == []


def containers() -> list[str]:
    """The containers of code that are there."""
    return docker._asked("ps", "--all", "--quiet", "--filter", "name=orchestra-code-")[1].split()


@needs_docker
@pytest.mark.slow
def test_nothing_gets_out_of_a_container(outside: Mapping[str, Any]) -> None:
    with ThreadPoolExecutor(3) as lanes:
        ends = dict(zip(SAMPLE, lanes.map(lambda one: tried(ATTEMPTS[one], outside, "docker"), SAMPLE), strict=True))
    assert {name: end.out[:300] for name, end in ends.items() if end.out.startswith((b"OUT", b"BROKEN"))} == {}
    assert set(OF_THE_IMAGE) <= set(ATTEMPTS)


OUT_OF_MONTY = (
    "open('/etc/passwd').read()",
    "import os\nos.listdir('/')",
    "import os\nos.system('true')",
    "import os\nos.environ['PATH']",
    "import subprocess\nsubprocess.run(['true'])",
    "import socket\nsocket.create_connection(('127.0.0.1', 1))",
    "import ctypes",
    "import urllib.request",
    "from pathlib import Path\nPath('/etc/passwd').read_text()",
    "from pathlib import Path\nlist(Path('/').iterdir())",
    "from pathlib import Path\nPath('/tmp/x').write_text('x')",
    "().__class__.__base__.__subclasses__()",
    "(lambda: 0).__globals__",
    "(lambda: 0).__code__",
    "__builtins__['open']",
    "__import__('os').fork()",
    "getattr(print, '__self__').open",
    "import sys\nsys.modules['os']",
    "import sys\nsys._getframe()",
    "import importlib\nimportlib.import_module('os')",
    "input()",
    "breakpoint()",
)


@pytest.mark.skipif(bool(LACKS["monty"]), reason=LACKS["monty"])
@pytest.mark.parametrize("text", OUT_OF_MONTY)
def test_nothing_gets_out_of_monty(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.sandbox.child.walls", lambda: None)  # its own walls alone
    monkeypatch.setenv("SECRET", "CANARY")
    with pytest.raises(CodeFailed):
        run(code(text, "monty"), [])


def test_code_takes_the_first_rung_that_has_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {Bubblewrap: "", Docker: "", Monty: ""}
    for kind in there:
        monkeypatch.setattr(kind, "lack", lambda self: there[type(self)])
    monkeypatch.setattr(Docker, "misses", lambda _, needs: ("network", "No list.") if needs.network else None)
    needs, auto = CodeNeeds("python"), CodeSettings()
    assert ladder.taken(auto, needs).name == "bubblewrap"
    assert ladder.taken(CodeSettings(sandbox="monty"), needs).name == "monty"
    there[Bubblewrap] = "Install bubblewrap."
    assert ladder.taken(auto, needs).name == "docker"
    assert refusal(auto, CodeNeeds("python", network=True)) == ("network", "No list. Or: Install bubblewrap.")
    there[Docker] = "Start Docker."
    assert ladder.taken(auto, needs).name == "monty"
    for more in ({"files": True}, {"network": True}, {"packages": True}):
        found = refusal(auto, CodeNeeds("python", **more))
        assert found is not None, more
        assert "apt install bubblewrap" in found[1]
        with pytest.raises(SandboxMissing):
            ladder.taken(auto, CodeNeeds("python", **more))
    with pytest.raises(InvalidRequest, match="'shell'"):
        ladder.taken(auto, CodeNeeds("shell"))
    there[Monty] = "Install Monty."
    with pytest.raises(SandboxMissing) as raised:
        ladder.taken(auto, needs)
    assert raised.value.remedy == "Install bubblewrap. Or: Start Docker. Or: Install Monty."
    (only,) = lines(auto)
    assert (only.what, only.ok) == ("sandbox", False)
    assert "Docker is not there: Start Docker." in only.text


def test_docker_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "nothing": (None, "Install Docker"),
        "no service": ('echo "Cannot connect to the Docker daemon." >&2; exit 1', "Start it"),
        "no image": ('[ "$1" = version ] && echo amd64 || exit 1', f"docker pull {IMAGE}"),
        "no Python": ('[ "$1" = version ] && echo amd64; [ "$1" != run ] || echo /bin/sh', "runs no python3"),
    }
    for script, words in said.values():
        docker._looked.cache_clear()
        (tmp_path / "docker").unlink(missing_ok=True)
        if script is not None:
            (tmp_path / "docker").write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / "docker").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert words in Docker(setup_of("docker")).lack()
    docker._looked.cache_clear()


def test_docker_is_never_given_more_than_the_folders_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def ran(command: list[str], *_: Any) -> Any:
        asked.append(command)
        raise SandboxMissing("enough")

    known = docker._Image(machine="x86_64", programs=("/usr/local/bin/python3",))
    monkeypatch.setattr(Docker, "_image", known)
    monkeypatch.setattr("engine.sandbox.child.supervised", ran)
    with pytest.raises(SandboxMissing):
        run(code("output = 1", "docker"), [])
    (command,) = asked
    text = " ".join(command)
    for option in ("--network none", "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--rm"):
        assert option in text
    for option in ("--memory", "--memory-swap", "--pids-limit", "--user", "--pull never"):
        assert option in text
    assert "docker.sock" not in text
    assert "--privileged" not in text
    mounted = [one for one in command if one.startswith("type=bind")]
    assert sorted(one.split(",")[2] for one in mounted) == ["dst=/code", "dst=/in", "dst=/inside"]
    assert all(one.endswith(",readonly") for one in mounted)
    user = command[command.index("--user") + 1]
    assert not user.startswith("0:")
