"""`python -m demo`: runs the stand-ins, resets their sample data, or shows their content."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from demo import endpoints, stand_ins
from demo.server import serve
from demo.service import service
from demo.store import Store
from demo.wire import Latency

# Starting or ending takes a second or two, so a process that needs ten seconds hangs.
_PATIENCE_SECONDS = 10.0


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or 4 if the folder cannot be used, or another process holds it."""
    options = _parser().parse_args(arguments)
    os.umask(0o077)  # demo mails are private, too, and this process writes nothing but data
    commands = {"start": _start, "reset": _reset, "show": _show}
    try:
        return commands[options.command](options)
    except (OSError, sqlite3.Error) as error:
        print(f"The demo in {options.dir} cannot be kept: {error}", file=sys.stderr)
        return 4


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["start", "reset", "show"], default="start")
    parser.add_argument("--dir", type=Path, required=True, help="folder that holds the data")
    parser.add_argument(
        "--latency", type=Latency.parse, default="20:150", help="time an answer takes, in milliseconds: 20:150 or 0"
    )
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="stop when standard input ends, as when a parent dies"
    )
    parser.add_argument(
        "--sockets", type=_sockets, help="open listening sockets by name (gmail=5,…) of a parent that holds the folder"
    )
    parser.add_argument(
        "--notion-rate", type=float, default=0, help="requests a second that Notion allows; 0: any (the real one: 3)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, which is what is printed anyway")
    return parser


def _sockets(text: str) -> dict[str, socket.socket]:
    """Return the sockets that were left open for this process."""
    numbers = dict(one.split("=") for one in text.split(","))
    return {name: socket.socket(fileno=int(number)) for name, number in numbers.items()}


def _start(options: argparse.Namespace) -> int:
    """Serve until stopped; if another process already serves the folder, print its line instead."""
    folder: Path = options.dir
    if options.sockets:
        return _run(options, options.sockets)
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while endpoints.lock(folder) is None:  # the process that holds it may be about to end
        ports = endpoints.wait_for_other(folder, 0.2)
        if ports is not None:
            print(stand_ins.line(stand_ins.open_store(folder), ports, folder), flush=True)
            return 0
        if time.monotonic() > ends_at:
            print(f"Another process holds {folder}, and its stand-ins do not answer.", file=sys.stderr)
            return 4
    known = endpoints.known_ports(folder)
    endpoints.write(folder, known, pid=None)
    return _run(options, {name: endpoints.bind(known.get(name, 0)) for name in endpoints.NAMES})


def _run(options: argparse.Namespace, sockets: Mapping[str, socket.socket]) -> int:
    store = stand_ins.open_store(options.dir)
    store.put("_settings", "notion", {"requests_per_second": options.notion_rate})
    asyncio.run(_serve(options, store, sockets))
    store.close()
    return 0


async def _serve(options: argparse.Namespace, store: Store, sockets: Mapping[str, socket.socket]) -> None:
    ports = {name: each.getsockname()[1] for name, each in sockets.items()}
    stand_ins.note_origins(store, ports)
    apps = {
        name: service(each, store, options.latency, reset=lambda: stand_ins.reset(store, options.dir))
        for name, each in stand_ins.load_all().items()
    }
    # One event for both reasons to end, so that answers under way are finished in either case.
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.until_stdin_closes:
        threading.Thread(
            target=_watch_stdin, args=(loop, stop, None if options.sockets else options.dir), daemon=True
        ).start()

    def ready() -> None:
        if not options.sockets:
            endpoints.write(options.dir, ports, os.getpid())
        print(stand_ins.line(store, ports, options.dir), flush=True)

    async def leave() -> None:
        await stop.wait()
        if not options.sockets:
            endpoints.write(options.dir, ports, pid=None)  # a process that starts now must not rely on this one

    leaving = asyncio.ensure_future(leave())
    await serve(apps, sockets, stop, ready)
    await leaving


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, folder: Path | None) -> None:
    """Set `stop` once standard input has ended, and no other process uses the stand-ins of `folder`."""
    # A blocking read in a thread of its own: the event loop cannot watch standard input if that is a file.
    while os.read(0, 4096):
        pass
    if folder is not None:  # a server that held the ports ends with them
        with suppress(OSError):  # the folder is gone, or cannot be written
            endpoints.wait_until_unused(folder)
    loop.call_soon_threadsafe(stop.set)


def _reset(options: argparse.Namespace) -> int:
    """Restore the sample data; running stand-ins show it at once."""
    store = stand_ins.open_store(options.dir)
    _print({"generation": stand_ins.reset(store, options.dir)})
    return 0


def _show(options: argparse.Namespace) -> int:
    """Print the content of the services, whether they run or not."""
    _print(stand_ins.show_all(stand_ins.open_store(options.dir)))
    return 0


def _print(document: Mapping[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
