"""A workspace opened for a command: what it logs is no business of the screen."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from commands.base.session import opened


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_log_that_cannot_be_written_hides_no_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("workflows", "prompts", "logs", ".orchestra"):
        (tmp_path / name).mkdir()
    (tmp_path / "config.yaml").write_text("")
    (tmp_path / ".orchestra" / "commands.log").symlink_to("/dev/full")
    with pytest.raises(ValueError, match="what the command has to say"):
        _fail(tmp_path)
    assert capsys.readouterr().err == ""


def _fail(workspace: Path) -> None:
    with opened(workspace):
        logging.getLogger("engine").error("said aside")
        raise ValueError("what the command has to say")
