"""The system calls that a child behind walls may not make, as a program for the kernel (seccomp(2)).

Namespaces do not hold these: keys and virtual sockets belong to the whole machine, and others give the kernel more to
get wrong than a reader of files or a person's script needs. Numbers are from the kernel's system call tables.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Iterable, Mapping

from msgspec import Struct

# Instructions of classic BPF (linux/bpf_common.h), and what a filter returns (seccomp(2)).
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND, _FOURTH = 0, 4, 16, 24, 40
"""Offsets in `struct seccomp_data`: the lower half of an argument, on machines that store it first."""
_CLONE_NEW = 0x7E020000
"""Flags of clone(2) that make a namespace."""
_FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET, AF_INET6: others, such as AF_VSOCK, reach past the network namespace, or have no use."""
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
"""Terminal controls that type for the person at the keyboard."""
_SHARED, _ANONYMOUS = 0x01, 0x20
"""Flags of mmap(2). Pages of both stay until the last byte of them is given up, and meanwhile no process has them."""
_UNKNOWN_FROM = 463
"""Calls newer than this list do not exist for the child; libraries do without."""
_CLONE3 = 435
"""Its flags are in memory, where no filter can look: libraries then take clone(2)."""

_Instruction = tuple[int, int, int, int]


class _Machine(Struct, frozen=True):
    """What differs between architectures."""

    audit: int
    """AUDIT_ARCH: another one means calls with other numbers, as of 32-bit programs."""
    clone: int
    socket: int
    ioctl: int
    mmap: int
    refused: tuple[int, ...]
    on_descriptors: tuple[int, ...]
    """Calls that change a file through a descriptor that is open for reading."""


_ALIKE = (*range(425, 434), 438, 442, 443, 447)
"""io_uring, mount API, pidfd_getfd, mount_setattr, quotactl_fd, memfd_secret."""
_X86_64 = (
    *(101, 310, 311, 312),  # ptrace, process_vm_readv, process_vm_writev, kcmp
    *(248, 249, 250),  # add_key, request_key, keyctl
    *(298, 321, 323),  # perf_event_open, bpf, userfaultfd
    *(155, 161, 165, 166, 272, 308),  # pivot_root, chroot, mount, umount2, unshare, setns
    *(175, 176, 246, 313, 320),  # modules, kexec
    *(103, 134, 135, 139, 153, 154, 156, 163, 167, 168, 169, 172, 173, 179),  # the machine, and old calls
    *(159, 164, 227, 305),  # the clock
    *(300, 303, 304),  # fanotify_init, name_to_handle_at, open_by_handle_at
    *(212, 237, 238, 256, 279),  # lookup_dcookie, memory policies
    *(319, 29, 30, 64, 68),  # memfd_create, shmget, shmat, semget, msgget: memory that no limit counts
)
_AARCH64 = (  # row by row as above; it lacks some of the old calls
    *(117, 270, 271, 272),
    *(217, 218, 219),
    *(241, 280, 282),
    *(39, 40, 41, 51, 97, 268),
    *(104, 105, 106, 273, 294),
    *(58, 60, 89, 92, 116, 142, 224, 225),
    *(112, 170, 171, 266),
    *(262, 264, 265),
    *(18, 235, 237, 238, 239),
    *(279, 194, 196, 190, 186),
)
_MACHINES: Mapping[str, _Machine] = {
    "x86_64": _Machine(0xC000003E, 56, 41, 16, 9, (*_X86_64, *_ALIKE), (91, 93, 190, 199, 261, 280)),
    "aarch64": _Machine(0xC00000B7, 220, 198, 29, 222, (*_AARCH64, *_ALIKE), (7, 16, 52, 55, 88)),
}
"""In both lists the calls on descriptors are fchmod, fchown, fsetxattr, fremovexattr, and those that set times."""


def program(*, has_descriptors: bool, machine: str = "") -> bytes:
    """Return the filter for `bwrap --seccomp`; empty on an architecture whose numbers are not known.

    `has_descriptors`: the child gets descriptors of files of this machine, which it may only read or write.
    """
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return b""
    refused = (*known.refused, *(known.on_descriptors if has_descriptors else ()))
    lines = [*_start(known), *_refusals(refused), *_looked_at(known), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def _start(machine: _Machine) -> Iterable[_Instruction]:
    yield from ((_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, machine.audit), (_RETURN, 0, 0, _KILL))
    # Also the calls of x32, which have a bit of their own.
    yield from ((_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _UNKNOWN_FROM), (_RETURN, 0, 0, _REFUSE | _ENOSYS))
    yield from ((_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _REFUSE | _ENOSYS))


def _refusals(numbers: Iterable[int]) -> Iterable[_Instruction]:
    for number in sorted(numbers):
        yield from ((_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE | _EPERM))


def _looked_at(machine: _Machine) -> Iterable[_Instruction]:
    """Yield the decisions about calls that depend on an argument."""
    yield from ((_EQUAL, 0, 4, machine.clone), (_LOAD, 0, 0, _FIRST), (_ANY_BIT, 0, 1, _CLONE_NEW))
    yield from ((_RETURN, 0, 0, _REFUSE | _EPERM), (_RETURN, 0, 0, _ALLOW))
    yield from ((_EQUAL, 0, 5, machine.mmap), (_LOAD, 0, 0, _FOURTH), (_ANY_BIT, 0, 2, _ANONYMOUS))
    yield from ((_ANY_BIT, 0, 1, _SHARED), (_RETURN, 0, 0, _REFUSE | _EPERM), (_RETURN, 0, 0, _ALLOW))
    yield from ((_EQUAL, 0, len(_FAMILIES) + 3, machine.socket), (_LOAD, 0, 0, _FIRST))
    yield from ((_EQUAL, len(_FAMILIES) - at, 0, family) for at, family in enumerate(_FAMILIES))
    yield from ((_RETURN, 0, 0, _REFUSE | _EAFNOSUPPORT), (_RETURN, 0, 0, _ALLOW))
    yield from ((_EQUAL, 0, 5, machine.ioctl), (_LOAD, 0, 0, _SECOND), (_EQUAL, 1, 0, _TIOCSTI))
    yield from ((_EQUAL, 0, 1, _TIOCLINUX), (_RETURN, 0, 0, _REFUSE | _EPERM), (_RETURN, 0, 0, _ALLOW))
