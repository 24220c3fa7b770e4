"""A folder of tiny packages that stands in for the index of packages, so that tests need no network."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path


def put_wheel(folder: Path, name: str, version: str, text: str, requires: str = "") -> None:
    """Put a wheel with one module of the package's name into a folder."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": metadata + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{path},sha256={_digest(content)},{len(content.encode())}" for path, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)


def put_source(folder: Path, name: str, version: str, setup: str) -> None:
    """Put a source distribution into a folder: one whose `setup.py` runs where it is built."""
    with tarfile.open(folder / f"{name}-{version}.tar.gz", "w:gz") as made:
        for path, content in {"setup.py": setup, "PKG-INFO": f"Name: {name}\nVersion: {version}\n"}.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(content.encode())
            made.addfile(member, io.BytesIO(content.encode()))


def _digest(content: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
