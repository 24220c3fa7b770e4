"""The process of a model server: llama.cpp's own or another, on loopback, until nobody has asked it for a while.

A script that imports nothing of this program: it reads what to serve from stdin, as JSON. It holds a lock for as long
as it lives, and writes its port and a key of its own into a state file. It ends by itself, whoever has started it.
"""

from __future__ import annotations

import fcntl
import http.client
import importlib
import json
import os
import re
import resource
import runpy
import secrets
import sys
import time
from pathlib import Path
from typing import Any

COULD_NOT_LOAD = 3
"""The exit code if the file cannot be loaded."""
_LOOK_SECONDS = 1.0
_LAST_MOMENT_SECONDS = 1.0
"""Between the end of the state file and of the process: whoever has just read the file may still ask."""
_MOST_SECONDS_FOR_A_LOOK = 600.0
"""The server answers between two batches of a long prompt; one that is silent for longer hangs."""
_BATCH_TOKENS = 512
"""It hears of a cancelled request between two batches."""
_LONGEST_ANSWER_TOKENS = 1_024
"""A small model may repeat itself without end; a request that sets its own limit may have more."""
_COUNTS = re.compile(
    r"^llamacpp:(requests_processing|requests_deferred|prompt_tokens_total|tokens_predicted_total) (\S+)$", re.MULTILINE
)


def main() -> int:
    """Serve what stdin names; return the exit code: 0 also if another process serves it already."""
    given = json.load(sys.stdin)
    lock = os.open(given["lock"], os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    state, key = Path(given["state"]), secrets.token_urlsafe(32)
    state.unlink(missing_ok=True)
    try:
        sys.path.extend(given["packages"])
        server = _started(given, key)
    except Exception:  # noqa: BLE001 - llama.cpp does not say more
        return COULD_NOT_LOAD
    port = int(server.listening_address.rpartition(":")[2])
    told = json.dumps({"pid": os.getpid(), "port": port, "key": key, "memory_bytes": _memory_bytes()})
    _write(state, told)
    _until_idle(port, key, state, told, given["idle_seconds"])
    return 0


def _started(given: dict[str, Any], key: str) -> Any:
    if given["script"]:
        return runpy.run_path(given["script"])["start"](given, key)
    llama: Any = importlib.import_module("xllamacpp")
    wanted = llama.CommonParams()
    wanted.model.path, wanted.model_alias = given["file"], {given["name"]}
    wanted.n_ctx, wanted.n_parallel = given["context"], 1
    wanted.n_batch, wanted.n_predict = _BATCH_TOKENS, _LONGEST_ANSWER_TOKENS
    # Threads that write wait for each other at every token: as many as cores, and beside four busy programs 2 cores
    # write 0.6 to 7 tokens a second; one thread writes 21 (measured). Reading waits less: all cores are almost twice
    # as fast as one.
    cores = os.cpu_count() or 2
    wanted.cpuparams.n_threads, wanted.cpuparams_batch.n_threads = max(1, cores // 2), cores
    wanted.cache_ram_mib, wanted.n_ctx_checkpoints = 0, 0  # otherwise its memory grows by up to 8 GB
    wanted.hostnames, wanted.port, wanted.api_keys = ["127.0.0.1"], 0, [key]
    wanted.endpoint_metrics, wanted.ui, wanted.cors_origins = True, False, "http://127.0.0.1"
    wanted.offline, wanted.verbosity = True, 0
    return llama.Server(wanted)


def _memory_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _write(state: Path, told: str) -> None:
    """Write the state file at once, readable by its owner only."""
    new = state.with_suffix(".new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(told)
    new.replace(state)


def _until_idle(port: int, key: str, state: Path, told: str, idle_seconds: float) -> None:
    """Return once nobody has asked for `idle_seconds`, or the state file is no longer this server's."""
    counts, used_at = _counts(port, key), time.monotonic()
    while time.monotonic() - used_at < idle_seconds and (_is_busy(counts) or _is_ours(state, told)):
        time.sleep(min(_LOOK_SECONDS, idle_seconds / 4))
        now = _counts(port, key)
        if now != counts or _is_busy(now):
            counts, used_at = now, time.monotonic()
    if _is_ours(state, told):
        state.unlink(missing_ok=True)
    time.sleep(_LAST_MOMENT_SECONDS)
    while _is_busy(_counts(port, key)):
        time.sleep(_LOOK_SECONDS)


def _is_busy(counts: dict[str, str]) -> bool:
    return any(float(counts.get(f"requests_{one}", 0)) for one in ("processing", "deferred"))


def _is_ours(state: Path, told: str) -> bool:
    try:
        return state.read_text() == told
    except (OSError, ValueError):
        return False


def _counts(port: int, key: str) -> dict[str, str]:
    """Return what the server counts; nothing if it does not say."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=_MOST_SECONDS_FOR_A_LOOK)
    try:
        asked.request("GET", "/metrics", headers={"Authorization": f"Bearer {key}"})
        return dict(_COUNTS.findall(asked.getresponse().read().decode()))
    except (OSError, http.client.HTTPException):
        return {}
    finally:
        asked.close()


if __name__ == "__main__":
    code = main()
    os._exit(code)  # the threads of llama.cpp have no end of their own
