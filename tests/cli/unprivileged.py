"""Root may read and write anywhere unless it gives that up: here, for a while, and for the calling thread alone."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

DAC_OVERRIDE, DAC_READ_SEARCH = 1, 2
_VERSION_3 = 0x20080522
_SET_SECUREBITS, _NO_SETUID_FIXUP = 28, 1 << 2
"""With it, access(2) asks what root may do now; without it, what root could do."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def as_anybody(*capabilities: int) -> Iterator[None]:
    """Do without the capabilities (by default, that to write anywhere), as do threads that are started inside."""
    if os.geteuid() != 0:
        yield
        return
    if not sys.platform.startswith("linux"):
        pytest.skip("root can write anywhere")
    libc, header, data = ctypes.CDLL(None, use_errno=True), _Header(_VERSION_3, 0), (_Data * 2)()
    assert libc.capget(ctypes.byref(header), data) == 0
    had = data[0].effective
    data[0].effective = had & ~sum(1 << one for one in capabilities or (DAC_OVERRIDE,))
    assert libc.prctl(_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0) == 0
    assert libc.capset(ctypes.byref(header), data) == 0
    try:
        yield
    finally:
        data[0].effective = had
        assert libc.capset(ctypes.byref(header), data) == 0
        assert libc.prctl(_SET_SECUREBITS, 0, 0, 0, 0) == 0
