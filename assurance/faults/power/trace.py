"""What processes asked of the disk and of the network, call by call in their order, as `strace` saw it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_FILES = (
    "openat,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,lseek,mmap,sendfile,"
    "copy_file_range,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,"
    "fsync,fdatasync,sync_file_range,sync,syncfs,msync"
)
_NETWORK = "sendto,sendmsg"
_SOCKET = "".join(f"\\x{letter:02x}" for letter in b"socket:")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_PARTS = re.compile(r'"([^"]*)"|(AT_FDCWD|\d+)<([^>]*)>(\(deleted\))?')
_LARGEST_STRING = 2**26


@dataclass(frozen=True)
class Call:
    """One call of the system that succeeded. `began` and `ended` are numbers of one clock over all threads.

    `texts`: its strings (paths, data); `handles`: (number, path) of its open files, no path where the file was
    removed; `words`: all other arguments as strace writes them.
    """

    name: str
    began: int
    ended: int
    texts: Sequence[bytes]
    handles: Sequence[tuple[str, str | None]]
    words: str
    result: str


def is_missing() -> str:
    """Return why nothing can be recorded here, empty where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed (Debian: apt install strace)"
    tried = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace may not look at processes here: {tried.stderr.strip()[:200]}"


def traced(command: Sequence[str], out: Path) -> list[str]:
    """Return the command that runs another one and writes down what it and its children ask of the system.

    All text comes as hexadecimal digits, so that nothing in a path or in data can be taken for anything else.
    """
    wanted = f"trace={_FILES},{_NETWORK}"
    options = ["-f", "--seccomp-bpf", "-y", "-xx", "-s", str(_LARGEST_STRING), "-e", wanted, "-e", "signal=none"]
    return ["strace", *options, "-o", str(out), *command]


def calls(out: Path, below: Path) -> Iterator[Call]:
    """Give the calls that touch a path below `below`, or send to the network, in the order in which they ended."""
    place, begun = _hexadecimal(str(below)), dict[str, tuple[int, str]]()
    with out.open(encoding="ascii") as lines:
        for number, line in enumerate(lines):
            process, _, text = line.rstrip("\n").partition(" ")
            text, began = text.lstrip(), number
            if text.endswith("<unfinished ...>"):
                begun[process] = (number, text.removesuffix("<unfinished ...>"))
                continue
            if text.startswith("<..."):
                began, first = begun.pop(process)
                text = first + _RESUMED.sub("", text, count=1)
            if (place in text or _SOCKET in text) and (call := _call(text, began, number)) is not None:
                yield call


def _call(text: str, began: int, ended: int) -> Call | None:
    """Read one line; None for a call that failed, or that the end of its process cut off."""
    asked, _, result = text.rpartition(" = ")
    if not asked or result.startswith(("-1", "?")):
        return None
    name, _, arguments = asked.partition("(")
    texts, handles = [], []
    for string, number, path, is_deleted in _PARTS.findall(arguments):
        if number:
            handles.append((number, None if is_deleted else _bytes(path).decode()))
        else:
            texts.append(_bytes(string))
    return Call(name, began, ended, texts, handles, _PARTS.sub("", arguments), result)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _hexadecimal(text: str) -> str:
    return "".join(f"\\x{letter:02x}" for letter in text.encode())
