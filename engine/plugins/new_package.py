"""Write a package to begin with: the example of docs/extending.md, for a service of another name."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from engine.base.checkout import CHECKOUT
from engine.base.errors import InvalidInput
from engine.base.services import is_shipped

_EXAMPLE = CHECKOUT / "gallery" / "plugins" / "ntfy"
_NAME = re.compile(r"[a-z][a-z0-9]{0,39}")
_NTFY = re.compile(r"ntfy(?!\.sh)", re.IGNORECASE)
"""The name in the example, except in addresses of the service itself (ntfy.sh)."""


def write_package(service: str, into: Path) -> Path:
    """Write a package for a service into a new folder `orchestra-<service>`; return that folder.

    Raises InvalidInput for a name that cannot be used, or a folder that is there.
    """
    if not _NAME.fullmatch(service) or is_shipped(service) or keyword.iskeyword(service):
        why = "is no name of small letters and digits"
        if is_shipped(service):
            why = "comes with this program"
        elif keyword.iskeyword(service):
            why = "is a word of Python"
        raise InvalidInput(f"The service {service!r} {why}.", remedy="Choose another name, such as ntfy.")
    target = into.resolve() / f"orchestra-{service}"
    if target.exists():
        raise InvalidInput(f"{target} is there already.", remedy="Choose another folder with `--in`.")
    for source in sorted(_EXAMPLE.rglob("*")):
        if source.is_file() and source.suffix in {".py", ".toml"}:
            place = target / _renamed(str(source.relative_to(_EXAMPLE)), service)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(_renamed(source.read_text(encoding="utf-8"), service), encoding="utf-8")
    return target


def _renamed(text: str, service: str) -> str:
    def instead(found: re.Match[str]) -> str:
        written = found[0]
        return service.upper() if written.isupper() else service.capitalize() if written[0].isupper() else service

    return _NTFY.sub(instead, text)
