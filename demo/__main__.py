"""`python -m demo`: runs the stand-ins, lays out their sample data anew, or shows what is in them."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo import endpoints, stand_ins
from demo.server import HOST, bind, serve
from demo.service import service
from demo.store import Store
from demo.wire import Latency

_PATIENCE_SECONDS = 10.0


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or 4 when another process holds the folder and does not answer."""
    options = _parser().parse_args(arguments)
    commands = {"start": _start, "reset": _reset, "show": _show}
    return commands[options.command](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["start", "reset", "show"], default="start")
    parser.add_argument("--dir", type=Path, required=True, help="folder that holds the data")
    parser.add_argument(
        "--latency", type=Latency.parse, default="50:400", help="time an answer takes, in milliseconds: 50:400 or 0"
    )
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="stop when standard input ends, as when a parent dies"
    )
    parser.add_argument(
        "--notion-rate", type=float, default=0, help="requests a second that Notion allows; 0: any (the real one: 3)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, which is what is printed anyway")
    return parser


def _start(options: argparse.Namespace) -> int:
    """Serve until told to stop; where another process serves the folder already, print its line instead."""
    folder: Path = options.dir
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while endpoints.lock(folder) is None:  # the one that holds it may be about to end
        ports = endpoints.wait_for_other(folder, 0.2)
        if ports is not None:
            print(stand_ins.line(Store(folder / "demo.db"), ports), flush=True)
            return 0
        if time.monotonic() > ends_at:
            print(f"Another process holds {folder}, and its stand-ins do not answer.", file=sys.stderr)
            return 4
    endpoints.write(folder, endpoints.known_ports(folder), pid=None)
    store = stand_ins.open_store(folder)
    store.put("_settings", "notion", {"requests_per_second": options.notion_rate})
    asyncio.run(_serve(folder, store, options.latency, until_stdin_closes=options.until_stdin_closes))
    store.close()
    return 0


async def _serve(folder: Path, store: Store, latency: Latency, *, until_stdin_closes: bool) -> None:
    known = endpoints.known_ports(folder)
    sockets = {name: bind(known.get(name, 0)) for name in stand_ins.load_all()}
    ports = {name: each.getsockname()[1] for name, each in sockets.items()}
    for name, port in ports.items():
        store.put("_origins", name, {"origin": f"http://{HOST}:{port}"})
    apps = {
        name: service(each, store, latency, reset=lambda: store.reset(stand_ins.seed_all))
        for name, each in stand_ins.load_all().items()
    }
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_closes:
        threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True).start()

    def ready() -> None:
        endpoints.write(folder, ports, os.getpid())
        print(stand_ins.line(store, ports), flush=True)

    async def leave() -> None:
        await stop.wait()
        endpoints.write(folder, ports, pid=None)  # whoever starts now must not count on this process

    leaving = asyncio.ensure_future(leave())
    await serve(apps, sockets, stop, ready)
    await leaving


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Set `stop` once standard input has ended."""
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


def _reset(options: argparse.Namespace) -> int:
    """Restore the sample data; running stand-ins show it at once."""
    store = stand_ins.open_store(options.dir)
    _print({"generation": store.reset(stand_ins.seed_all)})
    return 0


def _show(options: argparse.Namespace) -> int:
    """Print what is in the services, whether they run or not."""
    _print(stand_ins.show_all(stand_ins.open_store(options.dir)))
    return 0


def _print(document: Mapping[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
