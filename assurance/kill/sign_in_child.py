"""A warm process that forks workers which share one Gmail sign-in, for tests that kill them.

`python -m assurance.kill.sign_in_child SOCKET`: each connection sends one line of JSON (a job) and hears of its child
in lines; the first is the child's process id. It ends when its standard input closes.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from clients.errors import ServiceError
from clients.gmail.app import GMAIL_APP
from clients.google.transport import GoogleTransport
from clients.oauth.sign_in_file import SignInFile
from clients.oauth.tokens import TokenFile
from clients.transport import http_client
from engine.connections.sign_ins import VaultSeal
from engine.secrets.vault import Vault
from engine.secrets.vault_keys import VaultKeys

PROFILE = "/gmail/v1/users/me/profile"
_IMPORTED_LATER = ("cryptography.fernet", "httplib2")


def sign_in_file(state: Path) -> SignInFile:
    """The one sign-in of a state folder, sealed."""
    vault = Vault(state, dict[str, str])
    return SignInFile(vault.folder / "gmail.sign-in.json", GMAIL_APP, VaultSeal(lambda: vault))


class Worker:
    """One process that uses the sign-in."""

    def __init__(self, job: Mapping[str, Any], connection: socket.socket) -> None:
        self._job, self._connection, self._url = job, connection, str(job["url"])
        self._http = http_client()
        self._tokens = TokenFile(sign_in_file(Path(job["state"])), self._http, self._url)

    def use(self) -> None:
        """Ask the mailbox for something. Raises ServiceError."""
        GoogleTransport(self._http, self._tokens).request(f"{self._url}{PROFILE}")

    def use_again_and_again(self) -> None:
        """Use it without end; each time its access token has run out at Google."""
        while True:
            self.use()
            self._http.post(f"{self._url}/_demo/sign-in", json={"advance_seconds": 3_600})
            self._say("used")

    def rekey_again_and_again(self) -> None:
        """Seal everything anew without end."""
        vault = Vault(Path(self._job["state"]), dict[str, str])
        while True:
            vault.rekey()
            self._say("rekeyed")

    def use_together(self) -> None:
        """With two threads, when told to begin: say of each whether it could."""
        self._say("ready")
        for _ in iter(lambda: self._connection.recv(1), b""):
            threads = [threading.Thread(target=self._told) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _told(self) -> None:
        try:
            self.use()
        except ServiceError as error:
            self._say(error.message)
        else:
            self._say("used")

    def _say(self, line: str) -> None:
        self._connection.sendall(f"{line}\n".encode())

    def go_without_lock(self) -> None:
        """WRONG: nobody waits for anybody."""

        @contextlib.contextmanager
        def unlocked(_file: SignInFile) -> Iterator[None]:
            yield

        self._patch("locked", unlocked)

    def forget_first(self) -> None:
        """WRONG: the old key is forgotten before everything is sealed with the new one."""
        with_new = VaultKeys.with_new

        def forgetful(keys: VaultKeys) -> list[str]:
            known = with_new(keys)
            keys.drop_old()
            return known

        setattr(VaultKeys, "with_new", forgetful)  # noqa: B010 - of this process only

    def stop_before_save(self) -> None:
        """Stand still between the answer of Google and the file."""
        save = SignInFile.save

        def stopped(file: SignInFile, info: Mapping[str, Any]) -> None:
            if self._job.get("uses_first"):
                self._http.get(f"{self._url}{PROFILE}", headers={"authorization": f"Bearer {info['token']}"})
            self._say("before save")
            time.sleep(60)
            save(file, info)

        self._patch("save", stopped)

    def stop_after_save(self) -> None:
        """Stand still between the file and the first use."""
        save = SignInFile.save

        def stopped(file: SignInFile, info: Mapping[str, Any]) -> None:
            save(file, info)
            self._say("after save")
            time.sleep(60)

        self._patch("save", stopped)

    def _patch(self, name: str, function: Callable[..., Any]) -> None:
        setattr(SignInFile, name, function)  # of this process only


def main() -> None:
    """Fork a child for every connection."""
    for name in _IMPORTED_LATER:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(16)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            break
        connection, _ = listener.accept()
        job = json.loads(connection.makefile().readline())
        if os.fork() == 0:
            _child(job, connection)
        connection.close()


def _child(job: Mapping[str, Any], connection: socket.socket) -> None:
    try:
        connection.sendall(f"{os.getpid()}\n".encode())
        worker = Worker(job, connection)
        for wrong in job.get("first", []):
            getattr(worker, wrong)()
        getattr(worker, job["do"])()
    except (ServiceError, OSError) as error:
        with contextlib.suppress(OSError):
            connection.sendall(f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
