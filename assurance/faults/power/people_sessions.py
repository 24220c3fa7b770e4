"""Sessions of people and secrets: users, sign-ins of the dashboard, tokens, kept keys, and their change."""

from __future__ import annotations

from typing import Any

from assurance.faults.power.scene import OWNER, Scene, Session, lister
from clients.gmail.app import GMAIL_APP
from clients.oauth.sign_in_file import SignInFile
from engine.base.statuses import AccountMode
from engine.connections.sign_ins import VaultSeal

SESSIONS: dict[str, Session] = {}
_session = lister(SESSIONS)
_PASSWORDS = ("correct horse battery", "staple battery horse")
_NO_ANSWER = "http://127.0.0.1:9"


def _begun(scene: Scene) -> Any:
    scene.make()
    scene.open()
    scene.begin()
    return scene.orchestra


@_session
def users_are_added(scene: Scene) -> None:
    users = _begun(scene).users
    users.add(OWNER, "mia", "Mia", "editor", _PASSWORDS[0])
    scene.answers("users.list")
    scene.holds("password", "password", user="mia", password=_PASSWORDS[0])
    scene.void("password")
    scene.unsure("users.list")
    users.set_password(OWNER, "mia", _PASSWORDS[1])
    scene.holds("password", "password", user="mia", password=_PASSWORDS[1])
    users.set_role(OWNER, "mia", "viewer")
    scene.answers("users.list")
    scene.unsure("users.list")
    users.remove(OWNER, "mia")
    scene.void("password")
    scene.answers("users.list")
    scene.close()


@_session
def people_sign_in(scene: Scene) -> None:
    users = _begun(scene).users
    users.add(OWNER, "mia", "Mia", "editor", _PASSWORDS[0])
    by_password, by_link = users.login("mia", _PASSWORDS[0]), users.redeem(users.login_link(OWNER))
    for session in (by_password, by_link):
        scene.answers("users.session", session.id)
    scene.unsure("users.session", by_password.id)
    users.logout(by_password.id)
    scene.answers("users.session", by_password.id)
    scene.close()


@_session
def a_link_is_used_once(scene: Scene) -> None:
    users = _begun(scene).users
    link = users.login_link(OWNER)
    session = users.redeem(link)
    assert session is not None
    scene.holds("link", "used link", link=link)
    scene.answers("users.session", session.id)
    scene.close()


@_session
def tokens_are_given_out(scene: Scene) -> None:
    users = _begun(scene).users
    users.add(OWNER, "mia", "Mia", "editor", _PASSWORDS[0])
    for _ in range(2):
        token = users.token("mia", _PASSWORDS[0])
        scene.answers("users.principal_of_token", token)
    scene.close()


@_session
def keys_are_kept(scene: Scene) -> None:
    connections = _begun(scene).connections
    for number in range(3):
        scene.void("secret", "file config.yaml")
        settings = {"token": f"secret-{number}", "base_url": _NO_ANSWER}
        connections.add(OWNER, "hub", "github", settings)
        scene.holds("secret", "secret", name="hub.token", value=f"secret-{number}")
        scene.has_file("config.yaml")
    scene.close()


@_session
def a_key_is_given(scene: Scene) -> None:
    scene.make()
    with (scene.root / "config.yaml").open("a") as file:
        file.write(f"  # a comment that stays\n  hub:\n    service: github\n    base_url: {_NO_ANSWER}\n")
    scene.open()
    scene.begin()
    for number in range(2):
        scene.void("secret", "file config.yaml")
        scene.orchestra.connections.give_key(OWNER, "hub", f"secret-{number}")
        scene.holds("secret", "secret", name="hub.token", value=f"secret-{number}")
        scene.has_file("config.yaml")
    scene.close()


@_session
def the_key_of_secrets_is_changed(scene: Scene) -> None:
    scene.make()
    scene.open()
    for name in ("one", "two", "three"):
        settings = {"token": f"secret of {name}", "base_url": _NO_ANSWER}
        scene.orchestra.connections.add(OWNER, name, "github", settings)
        scene.holds(f"secret {name}", "secret", name=f"{name}.token", value=f"secret of {name}")
    scene.begin()
    for _ in range(2):
        assert scene.orchestra.connections.rekey(OWNER).files == 3
    scene.close()


@_session
def a_sign_in_is_renewed(scene: Scene) -> None:
    """The service takes a refresh token back once the next one is used: that one must be on disk by then."""
    _begun(scene)
    vault = scene.orchestra.connections._vault
    file = SignInFile(vault.folder / "gmail.sign-in.json", GMAIL_APP, VaultSeal(lambda: vault))
    for number in range(4):
        scene.void("sign-in")
        with file.locked():
            file.save({"refresh_token": f"token {number}"})
        scene.holds("sign-in", "sign-in", token=f"token {number}")
    scene.close()


@_session
def a_mode_is_switched(scene: Scene) -> None:
    scene.make()
    connections = scene.open().connections
    connections.add(OWNER, "github", "github", {"token": "secret", "base_url": _NO_ANSWER})
    scene.begin()
    for mode in (AccountMode.DEMO, AccountMode.MINE, AccountMode.DEMO):
        scene.void("mode")
        connections.set_mode(OWNER, "github", mode)
        scene.holds("mode", "mode", service="github", mode=mode)
    scene.close()


@_session
def the_audit_trail_grows(scene: Scene) -> None:
    orchestra = _begun(scene)
    for number in range(4):
        orchestra.users.add(OWNER, f"user{number}", "Somebody", "viewer")
        scene.holds("audit", "audit", least=number + 1, action="users.add")
    scene.close()
