"""Kills between an upload and its receipt: each file is on the drive once, and its run goes on to its end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.kill.storm import Storm, storm

pytestmark = pytest.mark.slow

POINTS = ("before effect", "after effect")
_WORKFLOW = "files"
_numbers = count(1)


@dataclass
class Uploads:
    """A workspace with a job that uploads two files."""

    storm: Storm

    def kill(self, point: str, time_of_it: int, wrong: Sequence[str] = ()) -> tuple[int, str]:
        """Let a job kill itself at a point, and go on with it; return its number and how its run ended."""
        number = next(_numbers)
        signal_at = (point, time_of_it, "SIGKILL")
        killed = self.storm.fork(
            "run", workflow=_WORKFLOW, inputs=[{"n": number}], signal_at=signal_at, wrong=list(wrong)
        )
        while killed.said():
            pass
        killed.close()
        self.storm.resume_all(wrong=list(wrong))
        ((status,),) = self.storm.query("SELECT status FROM runs ORDER BY rowid DESC LIMIT 1")
        return number, status

    def there(self, number: int) -> list[str]:
        """Return the names of the files of a job."""
        files = self.storm.place.held("webdav")["files"]
        return sorted(one["path"] for one in files if one["path"].endswith(f" of {number}.txt"))


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uploads]:
    with opened(tmp_path_factory.mktemp("drive") / "workspace") as made:
        yield made


@contextlib.contextmanager
def opened(root: Path) -> Iterator[Uploads]:
    """Make the workspace."""
    with storm(root) as place:
        endpoint = place.place.endpoints["webdav"]
        line = f"  drive: {{service: webdav, token: 'env:DRIVE', base_url: '{endpoint['base_url']}'}}\n"
        config, variables = root / "config.yaml", root / ".env"
        config.write_text(config.read_text().replace("connections:\n", "connections:\n" + line))
        variables.write_text(f"{variables.read_text()}DRIVE={endpoint['token']}\n")
        place.write(_WORKFLOW, _workflow())
        yield Uploads(place)


def _workflow() -> dict[str, Any]:
    """Return a job that downloads a file and uploads it twice, one after the other."""
    file = "{{ steps.source.output.file }}"
    steps: list[dict[str, Any]] = [{"id": "source", "uses": "drive.download", "with": {"file": "Welcome.txt"}}]
    for name in ("first", "second"):
        fields = {"file": file, "folder": "Attachments", "name": f"{name} of {{{{ inputs.n }}}}.txt"}
        steps.append({"id": name, "uses": "drive.upload", "with": fields, "needs": [steps[-1]["id"]]})
    inputs = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    return {"schema_version": 1, "title": "Files", "inputs": inputs, "steps": steps}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("time_of_it", [1, 2])
def test_a_file_is_uploaded_once_whenever_its_job_is_killed(uploads: Uploads, point: str, time_of_it: int) -> None:
    number, status = uploads.kill(point, time_of_it)
    assert uploads.there(number) == [f"Attachments/first of {number}.txt", f"Attachments/second of {number}.txt"]
    assert status == "succeeded"


@pytest.mark.control
def test_the_harness_finds_an_upload_that_is_not_looked_for(tmp_path: Path) -> None:
    with opened(tmp_path / "workspace") as uploads:
        number, status = uploads.kill("after effect", 1, wrong=["no look-up"])
        assert status == "failed", "the second upload of the first file is refused, and nothing follows"
        assert uploads.there(number) == [f"Attachments/first of {number}.txt"]
