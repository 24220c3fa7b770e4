"""What takes minutes: all attempts over every backend that is there, and 10,000 runs that leave nothing."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.sandbox.backends.ladder import backends
from engine.sandbox.code import running
from engine.sandbox.code.running import CodeLimits, CodeToRun
from tests.engine.sandbox.attempts import ATTEMPTS, OF_THE_IMAGE
from tests.engine.sandbox.conftest import setup_of, tried
from tests.engine.steps.test_code import traces

RUNS = int(os.environ.get("CODE_RUNS", "10000"))
FEW = CodeLimits(seconds=60, memory_mb=256, processes=30, disk_mb=8, output_kb=100)
KINDS = {
    "output = 1": "",
    "import os\nos.mkdir('/w/out')\nopen('/w/out/a', 'w').write('x' * 1000)": "",
    "import os\nos.fork() or os.setsid() or __import__('time').sleep(600)": "",
    "raise SystemExit(3)": "",
    "while True: print('x' * 9999)": "answer",
    "import os\nwhile True: os.fork()": "processes",
}
"""Code, and why it is ended; the first makes nearly all of the runs."""
RARE = 25
"""Of so many runs, one is of each other kind."""


@pytest.mark.parametrize("backend", ["bubblewrap", "docker"])
def test_nothing_gets_out_of_any_rung(backend: str, outside: Mapping[str, Any]) -> None:
    (found,) = backends(setup_of(backend))
    if found.lack():
        pytest.skip(found.lack())
    with ThreadPoolExecutor(3) as lanes:
        ends = dict(zip(ATTEMPTS, lanes.map(lambda one: tried(one, outside, backend), ATTEMPTS.values()), strict=True))
    got_out = {name: end.out[:200] for name, end in ends.items() if end.out.startswith((b"OUT", b"BROKEN"))}
    assert set(got_out) <= (set(OF_THE_IMAGE) if backend == "docker" else set()), got_out


def test_no_run_leaves_a_process_a_file_or_a_mount() -> None:
    others = list(KINDS)[1:]
    codes = [others[at % RARE] if at % RARE < len(others) else "output = 1" for at in range(RUNS)]
    before, began = traces(), time.monotonic()
    with ThreadPoolExecutor(3) as lanes:
        reasons = list(lanes.map(lambda one: running.ended(code_of(one), []).reason, codes))
    seconds = time.monotonic() - began
    assert traces() == before
    assert Counter(reasons) == Counter(KINDS[one] for one in codes)
    print(f"{RUNS:,} runs, {1000 * seconds / RUNS:.0f} ms each, left nothing")  # noqa: T201


def code_of(text: str) -> CodeToRun:
    return CodeToRun("python", text, {}, setup_of("bubblewrap"), FEW, FEW)
