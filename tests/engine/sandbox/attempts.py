"""Attempts to get out of the sandbox: small programs, each the body of a function that returns what it got.

A body has `given` (what is outside, see test_walls.py), the modules of PREAMBLE, and `call(NAME, ...)` for a system
call. It holds if the body returns nothing or raises what the kernel raises; other exceptions are faults of the body.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, indent

PREAMBLE = """
import contextlib, ctypes, fcntl, glob, json, os, platform, resource, signal, socket, stat, struct, subprocess, sys
import tempfile, termios, threading, time
given = json.loads(sys.argv[1])
NUMBERS = dict(zip(
    "ptrace vm_readv keyctl add_key request_key io_uring bpf perf userfaultfd unshare setns clone clone3 mount umount "
    "pivot_root fsopen open_tree name_to_handle open_by_handle kexec init_module reboot swapon personality syslog "
    "pidfd_open pidfd_getfd shmget msgget memfd_secret memfd_create shmat semget".split(),
    (101,310,250,248,249,425,321,298,323,272,308,56,435,165,166,155,430,428,303,304,246,175,169,167,135,103,434,438,29,
     68,447,319,30,64) if platform.machine() == "x86_64" else
    (117,270,219,217,218,425,280,241,282,97,268,220,435,40,39,41,430,428,264,265,104,105,142,224,92,116,434,438,194,
     186,447,279,196,190)))
handle = ctypes.create_string_buffer(b"\\x80\\0\\0\\0", 200)
kernel = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    number = name if isinstance(name, int) else NUMBERS[name]
    found = kernel.syscall(ctypes.c_long(number), *(
        ctypes.c_long(one) if isinstance(one, int) else one for one in arguments))
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return f"{name} gave {found}"
def read(path):
    with open(path, "rb") as file:
        return file.read(200)
def write(path):
    with open(path, "w") as file:
        file.write("x")
    return f"wrote {path}"
def openable(path):
    with open(path, "r+b"):
        return f"could write {path}"
def has_file(descriptor):
    with contextlib.suppress(OSError):
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
def raised(limit):
    try:
        resource.setrlimit(limit, (2**40, 2**40))
    except ValueError:
        raise PermissionError("limits stay") from None
    return "raised"
def connected(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as made:
        made.settimeout(2)
        made.connect(address)
    return f"connected to {address}"
def status(name):
    return next(line.split()[1] for line in open("/proc/self/status") if line.startswith(name + ":"))
"""
ENDING = """
try:
    found = attempt()
except (OSError, MemoryError, EOFError) as error:
    print("HELD", type(error).__name__, error)
except RuntimeError as error:
    print("HELD" if "thread" in str(error) else "BROKEN", error)
else:
    print("OUT" if found else "HELD", found)
"""


@dataclass(frozen=True)
class Attempt:
    """A program that tries to get out."""

    name: str
    body: str
    ends: tuple[str, ...] = ()
    """Reasons for which it may be ended instead of telling how it went."""

    @property
    def program(self) -> str:
        """The whole program, for Python."""
        return f"{PREAMBLE}\ndef attempt():\n{indent(dedent(self.body).strip(), '    ')}\n{ENDING}"


def _one_line(lines: str) -> list[Attempt]:
    """Return attempts that are an expression, one a line, with the name before it."""
    named = (line.partition(": ") for line in lines.strip().splitlines())
    return [Attempt(name.strip(), f"return {body}") for name, _, body in named]


FILES = _one_line("""
    read a secret: read(given["secret"])
    list its folder: os.listdir(os.path.dirname(given["secret"]))
    read the profile of the account: read(given["home"] + "/.profile")
    list the keys of the account: os.listdir(given["home"] + "/.ssh")
    read the users: read("/etc/passwd")
    read the passwords: read("/etc/shadow")
    read what is beside the program: read(given["root"] + "/pyproject.toml")
    list what is beside the program: set(os.listdir(given["root"])) - {"engine", "clients", ".venv"}
    read by the root of process 1: read("/proc/1/root" + given["secret"])
    read by the root of the parent: read(f"/proc/{os.getppid()}/root" + given["secret"])
    read by the folder of process 1: read("/proc/1/cwd/../../../.." + given["secret"])
    read by many dots: read("/w/" + "../" * 40 + given["secret"])
    find the secret in an environment: [one for one in glob.glob("/proc/[0-9]*/environ") if b"CANARY" in read(one)]
    find a process of outside: [one for one in glob.glob("/proc/[0-9]*/cmdline") if b"pytest" in read(one)]
    read the memory of the kernel: read("/proc/kcore")
    read the kernel's messages: read("/proc/kmsg") or read("/dev/kmsg")
    ask for the kernel's messages: call("syslog", 3, ctypes.create_string_buffer(100), 100)
    find a device: set(os.listdir("/dev")) & {"mem", "kmem", "kvm", "vda", "sda", "fuse", "vsock", "kmsg", "loop0"}
    look at the system's devices: os.listdir("/sys")
    look at control groups: os.listdir("/sys/fs/cgroup")
    find an open file: [one for one in range(3, 200) if has_file(one)]
    find an environment variable: set(os.environ) - {"PATH", "HOME", "LANG", "LC_CTYPE", "PWD"}
    name a file by its handle: call("name_to_handle", -100, b"/usr", handle, ctypes.byref(ctypes.c_int()), 0)
    open a file by its handle: call("open_by_handle", 0, ctypes.create_string_buffer(200), 0)
""")
WRITES = _one_line("""
    write among the programs: write("/usr/bin/x")
    write at the top: write("/x")
    write settings: write("/etc/x")
    write beside the files of the account: write(given["home"] + "/x")
    write in the source: write(given["root"] + "/engine/x.py")
    write among the packages: write(given["packages"] + "/x.py")
    write in devices: write("/dev/x")
    change the name in the kernel: openable("/proc/sys/kernel/hostname")
    change where cores go: openable("/proc/sys/kernel/core_pattern")
    trigger the kernel: openable("/proc/sysrq-trigger")
    be the last to be ended: openable("/proc/self/oom_score_adj")
    read by a link: os.symlink(given["secret"], "/w/link") or read("/w/link")
    take a program by a hard link: os.link("/usr/bin/env", "/w/env") or "linked"
    change the rights of a program: os.chmod("/usr/bin/env", 0o777) or "changed"
    remove a program: os.unlink("/usr/bin/env") or "removed"
    make a disk: os.mknod("/w/disk", 0o660 | stat.S_IFBLK, os.makedev(254, 0)) or read("/w/disk")
    make the memory: os.mknod("/w/memory", 0o660 | stat.S_IFCHR, os.makedev(1, 1)) or read("/w/memory")
    mount a folder: call("mount", b"x", b"/tmp", b"tmpfs", 0, 0)
    mount by a bind: call("mount", b"/usr", b"/w", 0, 4096, 0)
    mount for writing: call("mount", 0, b"/usr", 0, 32 | 4096, 0)
    unmount: call("umount", b"/usr", 2)
    pivot the root: call("pivot_root", b"/w", b"/w")
    change the root: os.chroot("/w") or "changed"
    mount by the new calls: call("fsopen", b"tmpfs", 0)
    open a tree of mounts: call("open_tree", -100, b"/usr", 1)
""")
NETWORK = _one_line("""
    reach a server on this machine: connected(socket.AF_INET, ("127.0.0.1", given["port"]))
    reach it by IPv6: connected(socket.AF_INET6, ("::1", given["port"]))
    reach the internet: connected(socket.AF_INET, ("1.1.1.1", 443))
    send a datagram: connected(socket.AF_INET, ("8.8.8.8", 53), socket.SOCK_DGRAM)
    read a cloud's secrets: connected(socket.AF_INET, ("169.254.169.254", 80))
    ask for a name: socket.getaddrinfo("example.org", 443)
    reach an abstract socket: connected(socket.AF_UNIX, "\\0" + given["abstract"])
    reach a socket in a folder: connected(socket.AF_UNIX, given["socket"])
    reach the container service: connected(socket.AF_UNIX, "/var/run/docker.sock")
    make a raw socket: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
    make a packet socket: socket.socket(17, socket.SOCK_RAW, 3)
    make a netlink socket: socket.socket(16, socket.SOCK_RAW, 0)
    make a virtual socket: socket.socket(40, socket.SOCK_STREAM)
    make a socket of the kernel's ciphers: socket.socket(38, socket.SOCK_SEQPACKET)
    make a socket for CAN: socket.socket(29, socket.SOCK_RAW, 1)
    make a socket for Bluetooth: socket.socket(31, socket.SOCK_RAW, 1)
    find an interface: [one for one in open("/proc/net/dev").read().split() if one.endswith(":") and one != "lo:"]
    find a connection of outside: f"{given['port']:04X}" in open("/proc/net/tcp").read()
""")
PROCESSES = _one_line("""
    signal a process of outside: os.kill(given["pid"], 9) or "sent"
    hold a process of outside: call("pidfd_open", given["pid"], 0)
    change the limits of a process of outside: resource.prlimit(given["pid"], resource.RLIMIT_NOFILE)
    change the priority of a process of outside: os.setpriority(os.PRIO_PROCESS, given["pid"], 19) or "changed"
    trace process 1: call("ptrace", 16, 1, 0, 0)
    be traced: call("ptrace", 0, 0, 0, 0)
    read the memory of process 1: call("vm_readv", 1, 0, 0, 0, 0, 0)
    write the memory of process 1: openable("/proc/1/mem")
    take a descriptor of process 1: call("pidfd_getfd", 0, 0, 0)
    find shared memory of outside: call("shmget", given["shared"], 0, 0)
    find a shared file of outside: read("/dev/shm/" + given["shm"])
    make a keyring: call("keyctl", 1, 0)
    keep a key: call("add_key", b"user", b"x", b"y", 1, -3)
    ask for a key: call("request_key", b"user", b"x", 0, -3)
    join a namespace: call("setns", os.open("/proc/1/ns/net", os.O_RDONLY), 0)
    make a namespace of users: call("unshare", 0x10000000)
    make a namespace of mounts: call("unshare", 0x20000)
    clone into a namespace: call("clone", 0x10000000 | 17, 0, 0, 0, 0)
    clone3 into a namespace: call("clone3", struct.pack("<8Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64)
    set up io_uring: call("io_uring", 4, ctypes.create_string_buffer(248))
    load a program into the kernel: call("bpf", 0, ctypes.create_string_buffer(128), 128)
    count events: call("perf", ctypes.create_string_buffer(b"\\0\\0\\0\\0\\x78", 120), 0, -1, -1, 0)
    handle page faults: call("userfaultfd", 1)
    load another kernel: call("kexec", 0, 0, 0, 0)
    load a module: call("init_module", 0, 0, b"")
    restart the machine: call("reboot", 0xFEE1DEAD - (1 << 32), 672274793, 0, 0)
    take a swap file: call("swapon", b"/w", 0)
    change the personality: call("personality", 0x0400000)
    make a call that is too new: call(470, 0, 0, 0)
    make a call of x32: call(0x40000000 + 39) if platform.machine() == "x86_64" else None
    set the clock: time.clock_settime(time.CLOCK_REALTIME, time.time()) or "set"
    set the name of the host: socket.sethostname("x") or "set"
    become another user: os.setuid(1) or "became"
    have capabilities: [one for one in ("CapEff", "CapPrm", "CapBnd", "CapAmb") if int(status(one), 16)]
    gain privileges by a program: status("NoNewPrivs") != "1"
    run without a filter: status("Seccomp") != "2"
    raise a limit: raised(resource.RLIMIT_AS)
    raise the priority: os.nice(-5)
    type for the person: fcntl.ioctl(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY), termios.TIOCSTI, b"x") or "typed"
    find a terminal: os.open("/dev/tty", os.O_RDWR)
""")
TAKES = [
    Attempt("fill the memory", "kept = []\nwhile len(kept) < 100: kept.append(bytearray(50_000_000))\nreturn 'filled'"),
    Attempt(
        "fill the memory with many processes",
        """
        for _ in range(20):
            if os.fork() == 0:
                kept = bytearray(150_000_000)
                kept[::4096] = b"1" * len(kept[::4096])
                time.sleep(20)
                os._exit(0)
        time.sleep(20)
        return "filled"
        """,
        ("memory",),
    ),
    Attempt("fork again and again", "while True:\n    if os.fork() == 0: time.sleep(60)", ("processes",)),
    Attempt("fork in all children", "while True: os.fork()", ("processes",)),
    Attempt(
        "start thread after thread",
        "for _ in range(3000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nreturn 'started'",
        ("processes",),
    ),
    Attempt(
        "fill the folder with a file",
        "with open('/w/x', 'wb') as file:\n    for _ in range(200): file.write(b'x' * 1_000_000)\nreturn 'filled'",
    ),
    Attempt(
        "fill the folder with files",
        "for n in range(40):\n    with open(f'/w/{n}', 'wb') as file: file.write(b'x' * 4_000_000)\nreturn 'filled'",
    ),
    Attempt(
        "fill shared memory",
        "for n in range(40):\n    with open(f'/dev/shm/{n}', 'wb') as f: f.write(b'x' * 4_000_000)\nreturn 'filled'",
    ),
    Attempt(
        "fill the folder for temporary files",
        "for n in range(40):\n    with open(f'/tmp/{n}', 'wb') as f: f.write(b'x' * 4_000_000)\nreturn 'filled'",
    ),
    *(
        Attempt(f"take memory that no limit counts: {one}", f"return call('{one}', {arguments})")
        for one, arguments in (
            *(("memfd_create", "b'x', 0"), ("memfd_secret", "0"), ("shmget", "0, 2**30, 0o1600")),
            *(("semget", "0, 32_000, 0o1600"), ("msgget", "0, 0o1600")),
        )
    ),
    Attempt("take shared memory that is not a file", "import mmap\nreturn mmap.mmap(-1, 2**20)"),
    Attempt("take shared memory by a device", "return openable('/dev/zero')"),
    Attempt(
        "reach what runs it",
        """
        files = ("mem", "environ", "maps", "root", "cwd/x", *(f"fd/{n}" for n in range(9)))
        for path, mode in [(f"/proc/1/{one}", mode) for one in files for mode in (os.O_RDONLY, os.O_WRONLY)]:
            with contextlib.suppress(OSError):
                return f"opened {path} {os.open(path, mode)}"
        """,
    ),
    Attempt("write to what it reads", "return os.write(0, b'x') and os.readlink('/proc/self/fd/0') != '/dev/null'"),
    Attempt("make 100,000 files", "for n in range(100_000): open(f'/w/{n}', 'w').close()\nreturn 'made'", ("files",)),
    Attempt("make a file with a hole", "with open('/w/x', 'wb') as file: file.truncate(10**12)\nreturn 'made'"),
    Attempt("open file after file", "return [os.open('/dev/null', os.O_RDONLY) for _ in range(5000)]"),
    Attempt("compute without end", "while True: pass", ("time", "cpu")),
    Attempt("sleep and ignore signals", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)", ("time",)),
    Attempt("close the pipes and sleep", "os.close(1)\nos.close(2)\nos.close(0)\ntime.sleep(600)", ("time",)),
    Attempt("say too much", "while True: os.write(1, b'x' * 65536)", ("answer",)),
    Attempt("complain too much", "while True: os.write(2, b'x' * 65536)", ("answer",)),
    Attempt(
        "leave a process behind",
        """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
        """,
        ("time",),
    ),
    Attempt("end everybody", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.kill(-1, 9)", ("killed",)),
    Attempt("end what started it", "os.kill(1, 9)\nos.kill(os.getppid(), 9)", ("killed",)),
]
LEAVES = [
    Attempt("leave a link", "os.symlink(given['secret'], '/w/link')"),
    Attempt("leave a link for a folder", "os.symlink(os.path.dirname(given['secret']), '/w/folder')"),
    Attempt("leave a pipe", "os.mkfifo('/w/pipe')"),
    Attempt("leave a socket", "socket.socket(socket.AF_UNIX).bind('/w/socket')"),
    Attempt("leave a device", "os.mknod('/w/device', 0o660 | stat.S_IFCHR, os.makedev(1, 3))"),
    Attempt("leave a deep tree", "for n in range(200): os.mkdir('/w/' + 'd/' * (n + 1))"),
    Attempt(
        "leave odd names",
        "for one in (b'\\xff', b'a\\nb', b'-rf', b'..x', b'\\x1b'): open(b'/w/' + one, 'w').close()",
    ),
    Attempt("leave a program that runs as its owner", "open('/w/x', 'w').close()\nos.chmod('/w/x', 0o4755)"),
]
ATTEMPTS = {one.name: one for one in (*FILES, *WRITES, *NETWORK, *PROCESSES, *TAKES, *LEAVES)}
WITHOUT_FILTER = (
    *("make a keyring", "keep a key", "make a virtual socket", "be traced", "set up io_uring"),
    *("take memory that no limit counts: memfd_create", "take memory that no limit counts: shmget"),
)
"""What only the filter refuses, where the kernel has it."""
WITHOUT_WALLS = (
    *("read a secret", "list its folder", "read the users", "read what is beside the program", "read by a link"),
    *("reach a server on this machine", "reach an abstract socket", "reach a socket in a folder"),
    *("find a process of outside", "hold a process of outside"),
    *("find a shared file of outside", "find an environment variable", "gain privileges by a program"),
)
"""What succeeds, and does no harm, without any walls."""
OF_THE_IMAGE = {
    "read the users": "those of the image, which are nobody here",
    "be the last to be ended": "only its own score, and only up",
    "take shared memory by a device": "Docker's limit of memory counts it",
}
"""What is no way out of a container."""
