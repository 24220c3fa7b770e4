"""Names what failed in the run before and passes now, so that nobody takes a shaky test for a sound one."""

from __future__ import annotations

from pathlib import Path

import pytest

FOUND = Path("build") / "second-try.txt"
"""In the folder that pytest was started for; `make test` and `make browser` show it at their end."""
_FAILED = pytest.StashKey[frozenset[str]]()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep what failed before this run begins: pytest forgets each of these tests as it passes."""
    if config.getoption("lf", default=False) and config.cache is not None:
        config.stash[_FAILED] = frozenset(config.cache.get("cache/lastfailed", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell of each test that passed only at this try, on the screen and in a file."""
    failed = config.stash.get(_FAILED, frozenset())
    reports = [one for one in terminalreporter.getreports("passed") if one.when == "call"]
    names = [one.nodeid for one in reports if {one.nodeid, one.nodeid.split("::")[0]} & failed]
    if not names:
        return
    lines = [f"Passed only at the second try: {name}" for name in names]
    terminalreporter.section("second try")
    terminalreporter.write_line("\n".join(lines))
    path = config.rootpath / FOUND
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
