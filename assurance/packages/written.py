"""Packages written into a folder of the path, as `pip install --target` leaves them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.docs.pages import ROOT


def install(folder: Path, name: str, entries: str, modules: Mapping[str, str], version: str = "1.0") -> None:
    """Put a package into a folder: its metadata with these entry points, and its modules by name."""
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(entries)
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)


def orchestra(folder: Path, *arguments: str, code: int = 0) -> Any:
    """Run the command with that folder on the path; return what it prints, with --json as a value."""
    told = python(folder, "-m", "cli", *arguments)
    assert told.returncode == code, (told.stdout, told.stderr)
    return json.loads(told.stdout) if "--json" in arguments else told.stdout


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with that folder on the path."""
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
