"""A Google account from its sign-in to its end: sealed, counted down, ended after seven days, and good again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from clients.errors import AuthError
from clients.gmail.app import GMAIL_APP
from clients.oauth.sign_in_file import SignInFile
from engine.base.errors import InvalidInput
from engine.base.statuses import AccountMode
from engine.connections.statuses import ConnectionStatus
from engine.orchestra import Orchestra
from tests.conftest import StandIns
from tests.engine.conftest import OWNER
from tests.patience import PATIENCE_SECONDS

READS = "https://www.googleapis.com/auth/gmail.readonly"


@dataclass
class Google:
    """The stand-in as Google: its sign-in, and a workspace whose mailbox it is."""

    url: str
    root: Path
    orchestra: Orchestra

    def switch(self, **rules: Any) -> None:
        """Change how Google behaves."""
        httpx.post(
            f"{self.url}/_demo/sign-in", json=rules, trust_env=False, timeout=PATIENCE_SECONDS
        ).raise_for_status()

    def later(self, time: timedelta) -> None:
        """Let time pass at Google; what it says of the time left is what counts here."""
        self.switch(advance_seconds=time.total_seconds())

    def sign_in(self) -> ConnectionStatus:
        """Consent as a person does, in a browser."""
        uris = {"auth_uri": f"{self.url}/o/oauth2/auth", "token_uri": f"{self.url}/token"}
        client = {
            "client_id": "c",
            "client_secret": "client-very-secret",
            "redirect_uris": ["http://localhost"],
            **uris,
        }
        file = self.root / "client_secret.json"
        file.write_text(json.dumps({"installed": client}))

        def browser(address: str) -> None:
            httpx.get(address, follow_redirects=True, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()

        return self.orchestra.connections.connect(OWNER, "gmail", "gmail", file, browser)

    def run(self) -> Any:
        """Search the mailbox."""
        return self.orchestra.runs.wait(OWNER, self.orchestra.runs.start(OWNER, "look", {}), PATIENCE_SECONDS)

    def status(self) -> ConnectionStatus:
        """What is known without asking."""
        return self.orchestra.connections.get(OWNER, "gmail")


@pytest.fixture
def google(tmp_path: Path, standins: StandIns) -> Iterator[Google]:
    root = tmp_path / "workspace"
    for name in ("workflows", "prompts", "logs"):
        (root / name).mkdir(parents=True)
    url = standins["gmail"].origin
    (root / "config.yaml").write_text(f"connections:\n  gmail:\n    service: gmail\n    base_url: {url}\n")
    step = {
        "id": "look",
        "uses": "gmail.search_messages",
        "connection": "gmail",
        "with": {"query": "in:inbox", "limit": 1},
    }
    document = {"schema_version": 1, "title": "Look", "steps": [{**step, "retry": {"attempts": 1}}]}
    (root / "workflows" / "look.json").write_text(json.dumps(document))
    made = Google(url, root, Orchestra.open(root))
    yield made
    made.orchestra.close()


def test_a_sign_in_is_sealed_and_its_days_are_counted_to_the_end(google: Google) -> None:
    google.switch(testing=True)
    status = google.sign_in()
    assert status.sign_in is not None
    assert (status.own_key_source, status.owner, status.sign_in.scopes) == ("signed in", "tester", ("gmail.modify",))
    assert status.sign_in.note.startswith(("Testing mode: 6 days", "Testing mode: 7 days"))
    assert not status.sign_in.warns
    assert google.run()["status"] == "succeeded"

    google.later(timedelta(days=5, hours=2))
    assert google.run()["status"] == "succeeded", "its access token had run out, and was renewed"
    renewed = google.status().sign_in
    assert renewed is not None
    assert (renewed.note, renewed.warns, renewed.owner) == ("Testing mode: 1 day left.", True, "tester")

    google.later(timedelta(days=2))
    failed = google.run()
    assert (failed["status"], failed["error"]["type"]) == ("failed", "AuthError")
    [trouble] = google.orchestra.account_notices.open()
    assert trouble.account == status.sign_in.account
    assert "Press Sign in again" in trouble.remedy
    with pytest.raises(InvalidInput, match="no longer let in"):
        google.run()
    assert google.orchestra.account_notices.open() == [trouble]

    google.sign_in()
    assert google.orchestra.account_notices.open() == []
    google.orchestra.runs.resume(OWNER, failed["run_id"])
    assert google.orchestra.runs.wait(OWNER, failed["run_id"], PATIENCE_SECONDS)["status"] == "succeeded"


def test_no_secret_of_a_sign_in_lies_there_in_clear(google: Google) -> None:
    google.sign_in()
    google.run()
    (google.root / "client_secret.json").unlink()
    file = SignInFile(google.root / ".orchestra" / "secrets" / "gmail.sign-in.json", GMAIL_APP)
    assert set(file.read()) == {"sealed"}
    google.orchestra.close()
    secrets = (b"client-very-secret", b"1//demo-", b"demo-access-")
    found = [
        path
        for path in google.root.rglob("*")
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets)
    ]
    assert found == []
    assert (google.root / "config.yaml").read_text().count('token_file: ".orchestra/secrets/gmail.sign-in.json"') == 1


def test_a_sign_in_that_was_taken_back_is_told_as_one_notice(google: Google) -> None:
    google.sign_in()
    assert google.run()["status"] == "succeeded"
    google.switch(revoke=True)
    assert google.run()["error"]["type"] == "AuthError"
    [trouble] = google.orchestra.account_notices.open()
    assert (trouble.kind, trouble.workflows) == ("revoked", ())
    assert "revoked" in trouble.message


def test_less_than_was_asked_for_is_noticed(google: Google) -> None:
    google.sign_in()
    google.switch(scopes=[READS])
    google.later(timedelta(hours=2))
    assert google.run()["error"]["type"] == "AuthError"
    [trouble] = google.orchestra.account_notices.open()
    assert trouble.kind == "reduced"
    assert "gmail.modify is missing" in trouble.message
    lines = {line.what: line for line in google.orchestra.connections.check(OWNER, "gmail")}
    assert not lines["sign-in"].ok
    assert "gmail.modify is missing" in lines["sign-in"].text


def test_a_sign_in_of_an_earlier_release_is_sealed_at_its_first_use(google: Google) -> None:
    google.sign_in()
    sealed = google.root / ".orchestra" / "secrets" / "gmail.sign-in.json"
    old = google.root / ".orchestra" / "tokens" / "gmail.json"
    info = json.loads(google.orchestra._families.opened.loaded().vault.opened(sealed.read_text()))
    SignInFile(old, GMAIL_APP).save({name: one for name, one in info.items() if name not in ("owner", "consented_at")})
    google.orchestra.connections.add(OWNER, "gmail", "gmail", {"token_file": ".orchestra/tokens/gmail.json"})
    assert "1//demo-" in old.read_text()
    assert google.run()["status"] == "succeeded"
    assert "1//demo-" not in old.read_text()
    assert google.status().ready

    google.sign_in()
    assert not old.exists(), "nothing of the earlier sign-in is left"


def test_a_sign_in_that_another_connection_names_stays(google: Google) -> None:
    google.sign_in()
    kept = google.root / ".orchestra" / "secrets"
    (kept / "gmail.sign-in.json").rename(kept / "work.sign-in.json")
    for name in ("gmail", "work"):
        google.orchestra.connections.add(
            OWNER, name, "gmail", {"token_file": ".orchestra/secrets/work.sign-in.json", "base_url": google.url}
        )
    google.sign_in()
    assert sorted(one.name for one in kept.glob("*.json")) == ["gmail.sign-in.json", "work.sign-in.json"]


def test_a_file_that_other_tools_read_too_stays_as_it_is(google: Google, tmp_path: Path) -> None:
    google.sign_in()
    sealed = google.root / ".orchestra" / "secrets" / "gmail.sign-in.json"
    shared = SignInFile(tmp_path / "elsewhere" / "authorized_user.json", GMAIL_APP)
    shared.save(json.loads(google.orchestra._families.opened.loaded().vault.opened(sealed.read_text())))
    google.orchestra.connections.add(OWNER, "gmail", "gmail", {"token_file": str(shared.path)})
    google.later(timedelta(hours=2))
    assert google.run()["status"] == "succeeded"
    assert "refresh_token" in shared.read()


def test_a_mailbox_has_a_password_or_a_sign_in_whichever_is_given_last(google: Google) -> None:
    connections = google.orchestra.connections
    before = connections.add(OWNER, "post", "imap", {"address": "me@gmail.com"})
    assert (before.sign_in_at, before.own_key_found, before.sign_in) == ("Google", False, None)
    uris = {"auth_uri": f"{google.url}/o/oauth2/auth", "token_uri": f"{google.url}/token"}
    file = google.root / "client_secret.json"
    file.write_text(json.dumps({"installed": {"client_id": "c", "client_secret": "client-very-secret", **uris}}))

    def browser(address: str) -> None:
        httpx.get(address, follow_redirects=True, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()

    def written() -> set[str]:
        return set(yaml.safe_load((google.root / "config.yaml").read_text())["connections"]["post"]) - {"service"}

    connections.give_key(OWNER, "post", "an-app-password")
    status = connections.connect(OWNER, "post", "imap", file, browser)
    assert (status.own_key_source, status.ready, written()) == ("signed in", True, {"address", "token_file"})
    assert status.sign_in is not None
    assert status.sign_in.account == "me@gmail.com"
    google.orchestra.account_notices.report("post", AccountMode.MINE, AuthError("The server rejects the sign-in."))
    [notice] = google.orchestra.account_notices.open()
    assert "`orchestra connections add imap --name post --client-secret FILE`" in notice.remedy

    status = connections.give_key(OWNER, "post", "an-app-password")
    assert (status.own_key_source, status.sign_in, written()) == ("kept", None, {"address", "password"})


def test_a_mailbox_of_nobody_that_signs_people_in_is_told_what_is_missing(google: Google) -> None:
    file = google.root / "client.json"
    file.write_text("{}")
    with pytest.raises(InvalidInput, match="imap has no sign-in with a browser for these settings") as refused:
        google.orchestra.connections.connect(OWNER, "post", "imap", file, print)
    assert "Mail address, IMAP server" in refused.value.remedy
