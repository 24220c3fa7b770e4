"""The packages in force: installed, not switched off, and whole. The others are named, with the reason."""

from __future__ import annotations

import importlib
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from msgspec import Struct

from engine.packages.installed import EntryPoint, Kind, Package, installed, normal


class PackageRefused(Exception):
    """A package that is left out; the message says why, in a sentence."""


class Added(Struct, frozen=True):
    """What a package in force adds, by name."""

    package: Package
    services: Mapping[str, Any]
    """Client classes."""
    steps: Mapping[str, Any]
    """Step types."""
    triggers: Mapping[str, Any]
    """Trigger types."""
    functions: Mapping[str, Any]
    """Functions of expressions."""
    pages: Sequence[EntryPoint]
    """Pages; only the dashboard imports them."""

    def names(self, kind: Kind) -> list[str]:
        """Return the names of what it adds of a kind."""
        return [one.name for one in self.pages] if kind == "pages" else sorted(getattr(self, kind))


class Packages(Struct, frozen=True):
    """The installed packages, each either in force or left out."""

    added: tuple[Added, ...] = ()
    left_out: Mapping[str, str] = {}
    """Why others are left out, by name, in a sentence."""


NONE: Final = Packages()
OFF = "It is switched off by `plugins.disabled` in config.yaml."
_KNOWN: dict[Package, Added | str] = {}
"""What each package adds, or why it is left out; a package is loaded once in the life of a process."""
_AT_ONCE = 4
"""Packages that are tried at a time: each trial is a process of its own."""
_lock = threading.RLock()  # a package that is being loaded may ask for the packages itself
_off: frozenset[str] = frozenset()
_found: Packages | None = None
_is_loading = False


def switch_off(names: Iterable[str]) -> None:
    """Leave these packages out, and no others: `plugins.disabled` in config.yaml."""
    global _off, _found
    wanted = frozenset(map(normal, names))
    with _lock:
        if wanted != _off:
            _off, _found = wanted, None


def leave_out(package: str, why: str) -> None:
    """Leave out a package that has turned out to be unusable after it was loaded."""
    global _found  # noqa: PLW0603
    with _lock:
        _KNOWN.update({one: why for one in installed() if one.name == package})
        _found = None


def with_functions() -> list[Package]:
    """Return the packages in force that add functions."""
    return [one.package for one in packages().added if one.functions]


def take_functions(of: Sequence[Package]) -> None:
    """Have the functions of these packages in force, and nothing else, as in a process that only calls them."""
    global _found  # noqa: PLW0603
    see_none()
    if of:
        functions_of = importlib.import_module("engine.plugins.packaged").functions_of
        _found = Packages(tuple(Added(one, {}, {}, {}, functions_of(one), ()) for one in of))


def see_none() -> None:
    """See no packages from now on, as in a process that tries one."""
    global _is_loading  # noqa: PLW0603
    _is_loading = True


def packages() -> Packages:
    """Return the packages in force and the others; they are loaded when somebody first asks for them."""
    global _found, _is_loading  # noqa: PLW0603
    if (found := _found) is not None:
        return found
    if not installed():
        return NONE
    with _lock:
        if _found is None and not _is_loading:  # a package that is being loaded sees none
            _is_loading = True
            try:
                _found = _resolved()
            finally:
                _is_loading = False
        return _found or NONE


def _resolved() -> Packages:
    wanted = [one for one in installed() if one.name not in _off]
    new = [one for one in wanted if one not in _KNOWN]
    if new:
        failure_of = importlib.import_module("engine.plugins.package_trial").failure_of
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            failures = list(threads.map(failure_of, new))
        _KNOWN.update({one: failure or _loaded(one) for one, failure in zip(new, failures, strict=True)})
    left_out = {one.name: OFF for one in installed() if one.name in _off}
    left_out |= {one.name: why for one in wanted if isinstance(why := _KNOWN[one], str)}
    added = [one for each in wanted if isinstance(one := _KNOWN[each], Added)]
    left_out |= _doubles(added)
    return Packages(tuple(one for one in added if one.package.name not in left_out), left_out)


def _loaded(package: Package) -> Added | str:
    loading = importlib.import_module("engine.plugins.packaged")  # imported only where there is a package
    try:
        added: Added = loading.load(package)
    except PackageRefused as error:
        return str(error)
    return added


def _doubles(added: Sequence[Added]) -> dict[str, str]:
    """Return why packages are left out that add the same name: nobody knows which of them a workflow means."""
    kinds: tuple[Kind, ...] = ("services", "steps", "triggers", "functions", "pages")
    told = {}
    for kind in kinds:
        count = Counter(name for one in added for name in one.names(kind))
        for one in added:
            for name in (each for each in one.names(kind) if count[each] > 1):
                others = [each.package.name for each in added if each is not one and name in each.names(kind)]
                told[one.package.name] = f"{others[0]} adds {name!r}, too. Switch one of them off."
    return told
