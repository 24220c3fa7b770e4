"""Code in the sandbox, through a run: each language, files, limits, lines of errors, and what it must not reach."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from clients.code.service import CodeSettings
from engine.base.errors import InvalidFile
from engine.orchestra import Orchestra
from engine.plugins.registry import step_type
from engine.plugins.step import Effect, Repeat
from engine.sandbox import work
from engine.sandbox.backends.bubblewrap import Bubblewrap
from engine.sandbox.backends.languages import program_of
from engine.sandbox.code import running
from engine.sandbox.code.running import CodeLimits, CodeToRun
from engine.sandbox.walls import walls
from engine.sandbox.watch import children
from tests.engine.conftest import OWNER, Run, Service, write_workflow
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")
needs_node = pytest.mark.skipif(not program_of("javascript", {}), reason="Node.js is not installed")


def step(code: str, step_id: str = "it", **fields: Any) -> dict[str, Any]:
    return {"id": step_id, "uses": "code.run", "with": {"code": code, **fields}}


def output(document: Any) -> Any:
    assert document["status"] == "succeeded", document["error"]
    return document["steps"][0]["output"]


def error(document: Any) -> Any:
    assert document["status"] == "failed", document["steps"]
    return document["error"]


PYTHON = "total = sum(inputs['amounts'])\nprint('said')\noutput = {'total': total, 'name': inputs['name']}"
JAVASCRIPT = """
const total = inputs.amounts.reduce((a, b) => a + b);
await new Promise((done) => setTimeout(done, 1));
console.log("said");
const output = { total, name: inputs.name };
"""
SHELL = """
echo said
cat /in/inputs.json > /w/same
[ "$(cat /w/same)" = "$INPUTS" ] && echo '{"total": 6, "name": "Ä {b}"}'
"""


@pytest.mark.parametrize(
    ("language", "code"),
    [("python", PYTHON), pytest.param("javascript", JAVASCRIPT, marks=needs_node), ("shell", SHELL)],
)
def test_each_language_finds_its_inputs_and_gives_an_output(run: Run, language: str, code: str) -> None:
    found = output(run([step(code, language=language, inputs={"amounts": [1, 2, 3], "name": "Ä {b}"})]))
    assert found["output"] == {"total": 6, "name": "Ä {b}"}
    assert found["stdout"].startswith("said\n")
    assert (found["stderr"], found["exit_code"], found["files"]) == ("", 0, [])


FIRST = "{{ steps.it.output.files[0] }}"


def test_files_go_in_and_out(run: Run, root: Path) -> None:
    (root / "data.csv").write_text("a;b\n1;2\n")
    code = """
import os
os.makedirs("/w/out/a")
text = open("/in/data.csv").read()
for name in ("a/b.csv", "../out/a_b.csv", "a/ü\\n x.txt", ".hidden"):
    open("/w/out/" + name, "w").write(text)
os.symlink("/in/data.csv", "/w/out/link")
try:
    open("/in/new", "w")
except OSError as error:
    output = [sorted(os.listdir("/in")), error.strerror]
"""
    more = step("import glob\noutput = open(glob.glob('/in/h*')[0]).read()", "more", files=[FIRST])
    document = run([step(code, files=["data.csv", "data.csv"]), more])
    found = output(document)
    assert found["output"] == [["data (2).csv", "data.csv", "inputs.json"], "Read-only file system"]
    names = sorted(one["name"] for one in found["files"])
    assert names == ["a_b (2).csv", "a_b.csv", "a_ü x.txt", "hidden"]
    assert document["steps"][1]["output"]["output"] == "a;b\n1;2\n"


LIMITS = {
    "seconds": ("python", "while True: pass", {"seconds": 1}),
    "processes": ("python", "import os\nwhile True: os.fork()", {"seconds": 20}),
    "memory_mb": ("python", "x = bytearray(10**9)", {"memory_mb": 64}),
    "memory_mb of all": (
        "python",
        "import os, time\nfor _ in range(6): os.fork() or [b'x' * 90 * 2**20, time.sleep(9)]\ntime.sleep(9)",
        {"memory_mb": 100},
    ),
    "memory_mb of node": ("javascript", "const x = []; while (true) x.push(new Array(1e5).fill(1.5))", {}),
    "disk_mb": ("python", "open('/w/x', 'wb').write(bytes(9 * 2**20))", {"disk_mb": 8}),
    "disk_mb of shell": ("shell", "yes | head -c 9000000 > /w/x", {"disk_mb": 4}),
    "output_kb": ("python", "while True: print('x' * 1000)", {"output_kb": 10}),
    "output_kb of output": ("python", "output = 'x' * 20_000", {"output_kb": 10}),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_what_goes_over_a_limit_is_ended_and_the_limit_named(run: Run, limit: str) -> None:
    kind, code, limits = LIMITS[limit]
    if kind == "javascript" and not program_of("javascript", {}):
        pytest.skip("Node.js is not installed")
    found = error(run([step(code, language=kind, limits=limits)]))
    assert found["type"] == "LimitExceeded", found
    assert f"`limits.{limit.split(maxsplit=1)[0]}`" in found["remedy"]
    assert found["retryable"] is False


def test_code_that_takes_longer_than_its_step_may_is_ended_and_not_tried_again(run: Run) -> None:
    found = run([{**step("while True: pass"), "timeout_seconds": 2}])
    said = error(found)
    assert (said["type"], said["retryable"]) == ("LimitExceeded", False), said
    assert "longer than its step may take" in said["message"]
    assert "`timeout_seconds`" in said["remedy"]
    assert len(found["steps"][0]["attempts"]) == 1


FAILURES = {
    "python": ("a = 1\ndef f():\n    return inputs['amount']\n\n\nf()\n", 3, "KeyError: 'amount'"),
    "python, no JSON": ("output = {1, 2}", None, "`output` cannot be written as JSON"),
    "python, no JSON in the file": ("open('/w/.output', 'w').write('[' * 9999)", None, "`output` is not JSON"),
    "python, no UTF-8 in the file": ("open('/w/.output', 'wb').write(bytes([255]))", None, "`output` is not JSON"),
    "python, no number in the file": ("open('/w/.output', 'w').write('[NaN]')", None, "NaN is not a number"),
    "python, a number too large in the last line": ("print('[1e999]')", None, "1e999 is not a number"),
    "python, a file that cannot be read": ("import os\nos.mkdir('/w/out', 0)", None, "out: Permission denied"),
    "python, exit": ("import sys\nsys.exit('No rows.')", None, "No rows."),
    "javascript": ("const a = 1;\nfunction f() {\n  return inputs.a.b;\n}\nf();", 3, "TypeError: Cannot read"),
    "javascript, first line": ("nothing()", 1, "ReferenceError: nothing is not defined"),
    "javascript, later": ("setTimeout(() => {\n  throw new Error('late');\n}, 1)", 2, "Error: late"),
    "javascript, no number": ("output = { a: 0 / 0 }", None, "`output` cannot be written as JSON: NaN"),
    "javascript, syntax": ("const a = 1;\nconst = 2;\n", 2, "SyntaxError"),
    "shell": ("echo a\nnothing_of_this_name", 2, "not found"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_an_error_names_the_line_of_the_code(run: Run, name: str) -> None:
    code, line, words = FAILURES[name]
    language = name.split(",", maxsplit=1)[0]
    if language == "javascript" and not program_of("javascript", {}):
        pytest.skip("Node.js is not installed")
    found = error(run([step(code, language=language)]))
    assert found["type"] == "CodeFailed"
    assert words in found["message"]
    assert ("exit code" in found["message"]) is (" is not JSON" not in words and " is not a number" not in words)
    if line is not None:
        assert found["message"].startswith(f"Line {line} of the code failed")
    assert "_front" not in found["message"]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        pytest.param({"code": "x = 1\ny = = 2"}, "code", "Line 2 is not Python", id="syntax"),
        pytest.param({"code": "print('{{ inputs.x }}')"}, "code", "Code is fixed", id="an expression"),
        pytest.param({"code": "1", "language": "{{ inputs.x }}"}, "language", "is fixed", id="a language"),
        pytest.param({"code": "1", "network": ["http://example.org"]}, "network", "is not a host", id="an address"),
        pytest.param({"code": "1", "network": ["{{ inputs.x }}"]}, "network", "is not a host", id="a host made"),
        pytest.param({"code": "1", "files": ["../x"]}, "files", "", id="a path that leads out"),
        pytest.param({"code": "1", "limits": {"seconds": 0}}, "limits", "", id="no time"),
        pytest.param({"code": "1", "limits": {"second": 5}}, "limits", "", id="an unknown limit"),
    ],
)
def test_mistakes_are_found_before_it_runs(
    orchestra: Orchestra, root: Path, fields: dict[str, Any], field: str, words: str
) -> None:
    inputs = {"type": "object", "properties": {"x": {"type": "string"}}}
    document = {"schema_version": 1, "inputs": inputs, "steps": [{"id": "it", "uses": "code.run", "with": fields}]}
    found = orchestra.workflows.check(OWNER, "it", json.dumps(document))
    assert any(words in one.message and field in (one.field or "") for one in found if one.severity == "error"), found


def test_a_machine_without_sandbox_says_what_to_install(
    orchestra: Orchestra, run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "config.yaml").write_text("code: {sandbox: bubblewrap}\n")  # whatever else this machine has
    document = json.dumps({"schema_version": 1, "steps": [step("1")]})
    assert not [one for one in orchestra.workflows.check(OWNER, "it", document) if one.severity == "error"]
    monkeypatch.setattr(Bubblewrap, "lack", lambda _: "Install bubblewrap: `apt install bubblewrap`.")
    found = orchestra.workflows.check(OWNER, "it", f"{document} ")
    assert any("apt install bubblewrap" in one.message for one in found)
    monkeypatch.undo()
    monkeypatch.setattr(work, "walls", lambda: None)
    assert error(run([step("1")]))["type"] == "SandboxMissing"


def test_a_language_that_is_not_there_and_a_limit_that_is_not_allowed_are_explained(run: Run, root: Path) -> None:
    (root / "config.yaml").write_text("code: {seconds_most: 5, interpreters: {none: /usr/bin/none}}\n")
    for named, words in (("ruby", "`code.interpreters`"), ("none", "/usr/bin/none is not a program")):
        with pytest.raises(InvalidFile, match=words):
            run([step("1", language=named)])
    unneeded = run([{**step("1", language="ruby"), "if": "{{ false }}"}])
    assert unneeded["status"] == "succeeded"
    assert "`code.seconds_most`" in error(run([step("1", limits={"seconds": 6})]))["remedy"]


def test_too_many_files_are_refused(run: Run) -> None:
    code = "import os\nos.mkdir('/w/out')\nfor n in range(101): open(f'/w/out/{n}', 'w').close()"
    found = error(run([step(code)]))
    assert (found["type"], "more than 100 files" in found["message"]) == ("LimitExceeded", True)


def test_what_steers_a_terminal_is_left_out(run: Run) -> None:
    found = output(run([step(r"print('\x1b[31mred\x1b[0m\x1b]0;title\x07\b\x00 \tx\r')")]))
    assert found["stdout"] == "red \tx\n"


def test_characters_that_nobody_sees_are_shown_in_what_it_prints_and_stay_in_its_output(run: Run) -> None:
    found = output(run([step(r"""import sys; sys.stderr.write('a\u202eb'); print('"a\u200bb"')""")]))
    assert (found["stderr"], found["stdout"], found["output"]) == ("a[U+202E]b", '"a[U+200B]b"\n', "a\u200bb")


TEXT = "{{ steps.page.output.text }}"
MAIL = {"id": "page", "uses": "file.text", "with": {"file": "mail.txt"}}


@pytest.mark.parametrize(
    ("fields", "is_outside"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"inputs": {"a": 1}}, False, id="own"),
        pytest.param({"inputs": {"a": TEXT}}, True, id="a text"),
        pytest.param({"files": ["mail.txt"]}, True, id="a file"),
    ],
)
def test_what_comes_of_outside_text_is_outside_text(
    orchestra: Orchestra, fields: dict[str, Any], is_outside: bool
) -> None:
    read = {"id": "read", "uses": "file.text", "with": {"file": "{{ steps.it.output.output }}"}}
    document = {"schema_version": 1, "steps": [MAIL, step("output = 'a'", **fields), read]}
    found = orchestra.workflows.check(OWNER, "it", json.dumps(document))
    assert any(one.code == "outside_destination" for one in found) is is_outside, found


def test_cancelling_ends_the_code(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [step("import time\ntime.sleep(600)", limits={"seconds": 600})])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(sandboxes, "the sandbox")
    orchestra.runs.cancel(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "cancelled"
    until(lambda: not sandboxes(), "the end of the sandbox")


def sandboxes() -> list[int]:
    """The children of this process that are bubblewrap."""
    return [one for one in children(os.getpid()) if Path(f"/proc/{one}/comm").read_text().strip() == "bwrap"]


def test_the_system_stops_what_starts_too_many_processes_before_the_watch_does() -> None:
    """The limit does not hold for root, as whom these tests may run."""
    asked = "import resource\nassert resource.getrlimit(resource.RLIMIT_NPROC) == (46, 46)"
    assert running.ended(code_of(asked), []).status == 0


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.chaos)])
def test_nothing_stays_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # others run code, too
    codes = [*["output = 1"] * 8, "import os\nwhile True: os.fork()", "while True: print('x' * 9999)"] * times
    before = traces()
    with ThreadPoolExecutor(3) as lanes:
        ended = list(
            lanes.map(
                lambda one: running.ended(CodeToRun("python", one, {}, CodeSettings(), FEW, FEW), []).reason, codes
            )
        )
    assert (ended.count(""), ended.count("processes"), ended.count("answer")) == (8 * times, times, times)
    assert traces() == before


def code_of(text: str) -> CodeToRun:
    return CodeToRun("python", text, {}, CodeSettings(), FEW, FEW)


FEW = CodeLimits(seconds=30, memory_mb=256, processes=30, disk_mb=8, output_kb=100)


def traces() -> list[Any]:
    """The processes, mounts, open files and temporary folders that running code could leave."""
    return [
        children(os.getpid()),
        Path("/proc/self/mountinfo").read_text(),
        sum(1 for _ in Path("/proc/self/fd").iterdir()),
        sorted(Path(tempfile.gettempdir()).glob("orchestra-code-*")),
    ]


FETCH = """
import json, urllib.error, urllib.request, http.client, socket
found = {}
for one in inputs["urls"]:
    try:
        found[one] = json.load(urllib.request.urlopen(one, timeout=20))["path"]
    except urllib.error.URLError as error:
        found[one] = str(error)
tunnel = http.client.HTTPConnection("127.0.0.1", 3128, timeout=20)
tunnel.set_tunnel("127.0.0.1", inputs["port"])
tunnel.request("GET", "/by-tunnel")
found["tunnel"] = json.load(tunnel.getresponse())["path"]
try:
    socket.create_connection(("127.0.0.1", inputs["port"]), 5)
except OSError as error:
    found["past it"] = error.strerror
output = found
"""


def config(root: Path, service: Service, *allowed: str) -> None:
    (root / "config.yaml").write_text(f"approvals: {{default: never}}\ncode: {{allow_hosts: {list(allowed)}}}\n")


def test_code_with_network_reaches_the_hosts_of_its_list_and_no_others(run: Run, root: Path, service: Service) -> None:
    listed, port = f"127.0.0.1:{service.port}", service.port
    config(root, service, listed)
    with socket.create_server(("127.0.0.1", 0)) as other:
        elsewhere = f"http://127.0.0.1:{other.getsockname()[1]}/"
        urls = [f"http://{listed}/plain", elsewhere, "http://example.org/", "http://localhost/"]
        fetch = step(FETCH, inputs={"urls": urls, "port": port}, network=[listed, "localhost"])
        found = output(run([{**fetch, "approve": "never"}]))["output"]
    assert found[urls[0]] == "/plain"
    assert found["tunnel"] == "/by-tunnel"
    assert "not in 'network'" in found[elsewhere]
    assert "not in 'network'" in found["http://example.org/"]
    assert "not an address of the public Internet" in found["http://localhost/"]
    assert found["past it"] == "Connection refused"
    assert service.seen["/plain"] == service.seen["/by-tunnel"] == 1


def test_code_cannot_take_a_thread_of_this_program_for_each_of_many_connections(
    run: Run, root: Path, service: Service
) -> None:
    many = """
import socket, time
def is_open(one):
    try:
        return one.recv(1) != b""
    except BlockingIOError:
        return True
held = [socket.socket(socket.AF_UNIX) for _ in range(100)]
for one in held: one.connect("/network/proxy")
time.sleep(1)
for one in held: one.setblocking(False)
output = sum(map(is_open, held))
"""
    config(root, service)
    found = run([{**step(many, network=["example.org"]), "approve": "never"}])
    assert output(found)["output"] == 32


def test_code_with_network_is_a_write_that_a_person_approves(run: Run, root: Path, service: Service) -> None:
    listed = f"127.0.0.1:{service.port}"
    config(root, service, listed)
    failing = "import urllib.request\nurllib.request.urlopen(inputs['url'])\n1 / 0"
    asked = step(failing, inputs={"url": f"http://{listed}/x"}, network=[listed])
    kind = step_type("code.run")
    assert kind.effect_of(asked["with"]) == (Effect.WRITES, Repeat.UNFINDABLE)
    assert (kind.approval_of(asked["with"]), kind.approval_of({})) == ("always", "never")
    found = error(run([{**asked, "approve": "never"}]))
    assert (found["type"], found["outcome"]) == ("OutcomeUnknown", "unknown")
    assert "Line 3 of the code failed" in found["message"]
    silent = step("1 / 0", network=[listed])
    assert error(run([{**silent, "approve": "never"}]))["outcome"] == "not_done"


def test_privacy_and_plans_know_the_hosts_of_code(orchestra: Orchestra) -> None:
    asked = step("1", inputs={"a": TEXT}, network=["api.example.org"])
    document = {"schema_version": 1, "privacy": "local", "steps": [MAIL, {**asked, "approve": "always"}]}
    found = orchestra.workflows.check(OWNER, "it", json.dumps(document))
    assert any(one.code == "not_private" and "api.example.org" in one.message for one in found), found


@pytest.mark.parametrize("given", [{"files": ["docs/secret.pdf"]}, {}])
def test_code_of_a_local_workflow_reaches_no_host_elsewhere_with_whatever_it_has(
    orchestra: Orchestra, given: dict[str, Any]
) -> None:
    document = {"schema_version": 1, "privacy": "local", "steps": [step("1", network=["api.example.org"], **given)]}
    found = orchestra.workflows.check(OWNER, "it", json.dumps(document))
    assert [one.code for one in found if one.severity == "error"] == ["not_private"], found
    document["steps"] = [step("1", network=["localhost:8080"], **given)]
    assert [
        one for one in orchestra.workflows.check(OWNER, "it", json.dumps(document)) if one.severity == "error"
    ] == []


@pytest.mark.skipif(not Path("/usr/bin/perl").exists(), reason="Perl is not installed")
def test_a_language_that_the_settings_name(run: Run, root: Path) -> None:
    (root / "config.yaml").write_text("code: {interpreters: {perl: /usr/bin/perl}}\n")
    code = "open(F, '/in/inputs.json'); print \"said\\n\", <F>;"
    found = output(run([step(code, language="perl", inputs={"a": [1]})]))
    assert (found["output"], found["stdout"].split("\n")[0]) == ({"a": [1]}, "said")
