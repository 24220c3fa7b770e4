"""The units of systemd: it reads them, and finds them well shut off."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.test_commands import unknown

UNITS = sorted((Path(__file__).resolve().parents[2] / "deploy" / "systemd").glob("*.service"))
MOST_EXPOSED = 35
"""In tenths, of 100: https://www.freedesktop.org/software/systemd/man/latest/systemd-analyze.html. Sandboxed code needs
namespaces, mounts and /proc."""
each_unit = pytest.mark.parametrize("unit", UNITS, ids=[unit.name for unit in UNITS])


@each_unit
def test_systemd_reads_it_and_finds_it_shut_off(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze: the units are not checked")
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace("/opt/ai-orchestra/.venv/bin/orchestra", "/bin/true"))
    told = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", str(here)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@each_unit
def test_its_command_exists(unit: Path) -> None:
    [command] = re.findall(r"^ExecStart=/opt/ai-orchestra/\.venv/bin/orchestra (.+)$", unit.read_text(), re.MULTILINE)
    assert unknown(command.split()) == ""
