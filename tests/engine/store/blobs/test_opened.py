"""Where a workspace keeps its logs: whole runs in a bucket, and what is missing for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.service import Extra
from engine.base.errors import InvalidFile, InvalidInput, StorageError
from engine.orchestra import Orchestra
from engine.record.log_copies import CopiedLogs
from engine.store.blobs.opened import opened_blobs
from tests.engine.conftest import OWNER, Run, set_step, write_workflow
from tests.engine.store.blobs.servers import BUCKET, KEYS, bucket, postgres
from tests.patience import PATIENCE_SECONDS

TEXT_INPUT = {"type": "object", "properties": {"text": {"type": "string"}}}
LARGE = "word " * 100_000


@pytest.fixture
def root(root: Path) -> Iterator[Path]:
    """A workspace with its logs in a bucket."""
    with bucket() as endpoint:
        with (root / "config.yaml").open("a") as config:
            config.write(f"logs: s3://{BUCKET}/team?endpoint={endpoint}\n")
        (root / ".env").write_text("".join(f"{name}={value}\n" for name, value in KEYS.items()))
        (root / ".env").chmod(0o600)
        yield root


def test_runs_are_in_the_bucket_alone_and_found_again_from_there(run: Run, orchestra: Orchestra, root: Path) -> None:
    document = run([set_step("a", {"v": "{{ inputs.text }}"})], {"text": LARGE}, inputs=TEXT_INPUT)
    assert document["status"] == "succeeded", document["error"]
    assert {path.name for path in (root / "logs").rglob("*") if path.is_file()} <= {"writes.list"}
    orchestra.close()
    for path in (root / ".orchestra").glob("state.db*"):
        path.unlink()
    again = Orchestra.open(root)
    assert again.runs.get(OWNER, document["run_id"]) == document
    again.close()
    reader = Orchestra.open(root, is_read_only=True)
    assert reader.runs.get(OWNER, document["run_id"]) == document
    reader.close()


@pytest.mark.slow
def test_runs_are_beside_the_state_on_a_server(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    for name in ("workflows", "prompts", "logs"):
        (root / name).mkdir(parents=True)
    with postgres() as address:
        (root / "config.yaml").write_text(f"state: {address}\nlogs: postgres\n")
        write_workflow(root, "work", [set_step("a", {"v": "{{ inputs.text }}"})], inputs=TEXT_INPUT)
        first = Orchestra.open(root)
        run_id = first.runs.start(OWNER, "work", {"text": LARGE})
        document = first.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert document["status"] == "succeeded", document["error"]
        first.close()
        second = Orchestra.open(root)
        assert second.runs.get(OWNER, run_id) == document
        assert second.copies.logs(OWNER, "") == CopiedLogs(copied=2, were_there=0)
        second.close()
    assert {path.stat().st_size for path in (root / "logs").glob("*/*.files/*")} == {len(LARGE)}


def test_logs_are_copied_to_another_place_and_checked_there(run: Run, orchestra: Orchestra, root: Path) -> None:
    document = run([set_step("a", {"v": "{{ inputs.text }}"})], {"text": LARGE}, inputs=TEXT_INPUT)
    assert orchestra.copies.logs(OWNER, "") == CopiedLogs(copied=2, were_there=0)
    (value,) = (root / "logs").glob("*/*.files/*")
    assert value.read_text() == LARGE
    value.unlink()
    assert orchestra.copies.logs(OWNER, "") == CopiedLogs(copied=1, were_there=1)
    place = orchestra.config.logs
    orchestra.close()
    (root / "config.yaml").write_text((root / "config.yaml").read_text().replace(f"logs: {place}", ""))
    again = Orchestra.open(root)
    assert again.runs.get(OWNER, document["run_id"]) == document
    with contextlib.closing(opened_blobs(place, root, KEYS)) as bucket:
        bucket.put(str(value.relative_to(root / "logs")), b"something else under this hash")
    with pytest.raises(StorageError, match=rf"{value.name} is not what was copied there"):
        again.copies.logs(OWNER, place)
    again.close()


@pytest.mark.parametrize("place", ["mysql://x", "s3://a:b@bucket"])
def test_only_places_for_logs_are_copied_to(orchestra: Orchestra, place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        orchestra.copies.logs(OWNER, place)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("place", "package", "extra"), [("s3://bucket/x", "obstore", "s3"), ("postgres", "psycopg", "postgres")]
)
def test_a_package_that_is_missing_is_named_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, package: str, extra: str
) -> None:
    monkeypatch.setattr(Extra, "is_installed", lambda _: False)
    with pytest.raises(InvalidFile) as missing:
        opened_blobs(place, tmp_path, {}, "postgresql://127.0.0.1/state")
    assert f"`logs: {place}` needs the package {package}" in missing.value.message
    assert missing.value.remedy.endswith(f" -m pip install 'ai-orchestra[{extra}]'`.")


def test_logs_are_beside_the_state_only_where_that_is_in_postgresql(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="needs a workspace whose state is in PostgreSQL") as refused:
        opened_blobs("postgres", tmp_path, {})
    assert "Set `state`" in refused.value.remedy
