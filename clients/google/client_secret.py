"""The client secret file of Google's console for an OAuth client, and the wrong files that people choose instead."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from clients.addresses import is_loopback
from clients.sign_in import WrongFile

_DESKTOP_APP = "In Google's console, create an OAuth client of type Desktop app and download its JSON."
_REQUIRED = ("client_id", "client_secret", "auth_uri", "token_uri")


class WrongClientSecret(WrongFile):
    """The file does not describe an OAuth client for a desktop app."""

    default_remedy = _DESKTOP_APP


def client_secret(file: Path, service: str) -> dict[str, Any]:
    """Return the file's content, `{"installed": {client_id, client_secret, auth_uri, token_uri, …}}`.

    For another client type Google would refuse the redirect, and show it only in the browser. Raises WrongClientSecret,
    which names `service`.
    """
    wrong = partial(WrongClientSecret, service=service)
    try:
        found = json.loads(file.expanduser().read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise wrong(f"There is no file {file}.") from None
    except OSError as error:
        raise wrong(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise wrong(f"{file.name} is not a client secret file: it is not JSON.") from None
    if isinstance(found, dict) and "web" in found:
        kind = "of an OAuth client of type Web application; this needs a Desktop app"
        raise wrong(f"{file.name} is {kind}.")
    client = found.get("installed") if isinstance(found, dict) else None
    if not isinstance(client, dict):
        raise wrong(f"{file.name} is not a client secret file: it contains no OAuth client.")
    missing = [name for name in _REQUIRED if not isinstance(client.get(name), str)]
    if missing:
        raise wrong(f"{file.name} is not a complete client secret file: {', '.join(missing)} is missing.")
    for name in ("auth_uri", "token_uri"):
        address = urlsplit(client[name])
        if address.scheme != "https" and not (address.scheme == "http" and is_loopback(address.hostname or "")):
            raise wrong(f"{file.name} is not a client secret file of Google: {name} does not begin with https://.")
    return {"installed": client}
