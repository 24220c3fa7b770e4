"""A real dovecot on loopback, with a configuration, a certificate and mailboxes of its own; it needs no rights."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port

PASSWORD = "app pass wörd"
_WITH_US = '"$0" -F -c "$1" & server=$!; read -r _; kill "$server"; wait "$server"'
"""Ends the server when our end of its input closes: also where this process is killed."""
_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 50
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
{tokens}userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    auto = subscribe
    special_use = \\Drafts
  }}
  mailbox "Sent Items" {{
    auto = subscribe
    special_use = \\Sent
  }}
  mailbox Bin {{
    auto = subscribe
    special_use = \\Trash
  }}
  mailbox Archive {{
    auto = subscribe
    special_use = \\Archive
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  process_min_avail = 1
  service_count = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service imap {{
  service_count = 0
  process_min_avail = 1
}}
"""


_TOKENS = """auth_mechanisms = plain login xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
"""
_INTROSPECTION = """introspection_url = {url}
introspection_mode = post
username_attribute = email
active_attribute = active
active_value = true
"""


@dataclass(frozen=True)
class Dovecot:
    """A running server: `tls_port` for TLS, `port` for STARTTLS.

    `ann1@example.com` up to `ann999@example.com` have empty mailboxes and the password `PASSWORD`.
    """

    folder: Path
    port: int
    tls_port: int

    @property
    def certificate(self) -> str:
        """The certificate that it shows, its own authority."""
        return str(self.folder / "certificate.pem")


def is_here() -> bool:
    """Whether this machine has a dovecot."""
    return _program() is not None


def _program() -> str | None:
    return shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def running(introspection: str = "") -> Iterator[Dovecot]:
    """Start one and stop it afterwards, by its own process.

    `introspection`: the address (RFC 7662) that tells whose an access token is; without one, it takes no tokens.
    """
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))  # its sockets' paths must be short
    port, tls_port = free_port(), free_port()
    found = Dovecot(folder, port, tls_port)
    uid, gid = (os.getuid(), os.getgid()) if os.getuid() else (65534, 65534)
    _lay_out(found, uid, gid, introspection)
    process = subprocess.Popen(
        ["/bin/sh", "-c", _WITH_US, str(_program()), str(folder / "dovecot.conf")],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=uid,
        group=gid,
        extra_groups=None if os.getuid() else [],
    )
    try:
        _wait(found, process)
        yield found
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(PATIENCE_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(server: Dovecot, uid: int, gid: int, introspection: str) -> None:
    import grp
    import pwd

    folder = server.folder
    certificate(folder)
    for name in ("run", "state", "mail", "home"):
        (folder / name).mkdir()
    users = [f"ann{number}@example.com:{{PLAIN}}{PASSWORD}:::::\n" for number in range(1, 1000)]
    (folder / "users").write_text("".join(users), encoding="utf-8")
    (folder / "oauth2.conf").write_text(_INTROSPECTION.format(url=introspection))
    (folder / "dovecot.conf").write_text(
        _CONFIG.format(
            folder=folder,
            user=pwd.getpwuid(uid).pw_name,
            group=grp.getgrgid(gid).gr_name,
            uid=uid,
            gid=gid,
            port=server.port,
            tls_port=server.tls_port,
            tokens=_TOKENS.format(folder=folder) if introspection else "",
        )
    )
    for path in (folder, *folder.iterdir()):
        os.chown(path, uid, gid)


def certificate(folder: Path) -> None:
    """Write `certificate.pem` and `key.pem` for 127.0.0.1 and localhost into a folder."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)


def _wait(server: Dovecot, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", server.tls_port), timeout=5).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > ends_at:
                log = server.folder / "dovecot.log"
                raise AssertionError(f"dovecot did not start: {log.read_text() if log.exists() else ''}") from None
            time.sleep(0.02)
        else:
            return
