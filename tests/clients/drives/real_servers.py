"""Real servers of drives: WsgiDAV, rclone and moto. A test whose server is not installed is skipped."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clients.client import Opening
from clients.drives.drive import Drive
from clients.s3.client import S3Client
from clients.s3.service import S3Settings
from clients.webdav.client import WebdavClient
from clients.webdav.service import WebdavSettings
from tests.engine.store.blobs.servers import BUCKET, KEYS, MOTO, bucket
from tests.patience import until
from tests.ports import free_port

USER, PASSWORD = "anna", "a-password-of-nobody"
FOLDERS = ("Attachments", "Reports", "Größe 50% #1")
Open = Callable[[str], Drive]
"""Opens the drive with this password."""


@contextmanager
def wsgidav() -> Iterator[Open]:
    """Serve a folder with WsgiDAV, which writes no quotation marks around the ETags of its listings."""
    program = MOTO.parent / "wsgidav"
    _require(program.exists(), "No WsgiDAV: `make bucket-server` installs it.")
    with _folder() as root, tempfile.TemporaryDirectory() as beside:
        config = {
            "provider_mapping": {"/": str(root)},
            "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
        }
        (Path(beside) / "wsgidav.json").write_text(json.dumps(config))
        port = free_port()
        told = [str(program), "--host", "127.0.0.1", "--port", str(port), "--config", f"{beside}/wsgidav.json"]
        with _serving([*told, "--server", "cheroot"], port):
            yield lambda password: _webdav(port, password)


@contextmanager
def rclone_webdav() -> Iterator[Open]:
    """Serve a folder with `rclone serve webdav`."""
    with _folder() as root, _rclone("webdav", str(root), ["--user", USER, "--pass", PASSWORD]) as port:
        yield lambda password: _webdav(port, password)


@contextmanager
def moto() -> Iterator[Open]:
    """Serve a bucket with moto, which lets every key in."""
    with bucket() as endpoint:
        yield _filled(f"{endpoint}/{BUCKET}", KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])


@contextmanager
def rclone_s3() -> Iterator[Open]:
    """Serve a folder with `rclone serve s3`, which rclone has since 1.65."""
    with _folder() as root:
        (root / BUCKET).mkdir()
        with _rclone("s3", str(root), ["--auth-key", f"{USER},{PASSWORD}"]) as port:
            yield _filled(f"http://127.0.0.1:{port}/{BUCKET}", USER, PASSWORD)


SERVERS: Mapping[str, Any] = {
    "wsgidav": wsgidav,
    "rclone-webdav": rclone_webdav,
    "moto": moto,
    "rclone-s3": rclone_s3,
}


def _webdav(port: int, password: str) -> Drive:
    settings = {"base_url": f"http://127.0.0.1:{port}", "user": USER, "token": password or PASSWORD}
    return WebdavClient.open(WebdavSettings.model_validate(settings), Opening())


def _filled(url: str, key: str, secret: str) -> Open:
    """Make the folders of a bucket: empty objects whose names end in a slash."""

    def opened(password: str) -> S3Client:
        settings = {"base_url": url, "access_key_id": key, "secret_access_key": password or secret}
        return S3Client.open(S3Settings.model_validate(settings), Opening())

    client = opened("")
    for folder in FOLDERS:
        client._asked("PUT", f"{folder}/", content=b"")
    client.http.close()
    return opened


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="orchestra-drive-") as name:
        root = Path(name)
        for folder in FOLDERS:
            (root / folder).mkdir()
        yield root


@contextmanager
def _rclone(protocol: str, root: str, more: Sequence[str]) -> Iterator[int]:
    program = shutil.which("rclone")
    known = subprocess.check_output([program, "serve", "--help"], text=True) if program else ""
    _require(f"  {protocol} " in known, f"No rclone that serves {protocol} is installed.", always=protocol == "webdav")
    port = free_port()
    told = [str(program), "serve", protocol, root, "--addr", f"127.0.0.1:{port}", "--config", "/dev/null"]
    with _serving([*told, "--dir-cache-time", "0", *more], port):
        yield port


@contextmanager
def _serving(command: Sequence[str], port: int) -> Iterator[None]:
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as it:
        try:
            until(lambda: it.poll() is not None or _answers(port), command[0])
            assert it.poll() is None, f"{command[0]} ended at once"
            yield
        finally:
            it.kill()


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _require(there: bool, otherwise: str, *, always: bool = True) -> None:
    """Skip the test, or let it fail where the servers must be there."""
    if not there:
        (pytest.fail if always and os.environ.get("REQUIRE_S3") else pytest.skip)(otherwise)
