"""The loopback redirect of a sign-in (RFC 8252): the browser returns to this program with a code."""

from __future__ import annotations

import contextlib
import hmac
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from clients.errors import AuthError, InvalidRequest, Timeout

Answers = queue.SimpleQueue[dict[str, str]]
TRY_AGAIN = "Start the sign-in again, and grant the access that it asks for."
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<title>AI-Orchestra</title><body style="font-family: system-ui; margin: 4rem auto; max-width: 30rem">
<h1>{title}</h1><p>{text}</p></body></html>"""


@contextlib.contextmanager
def listening(service: str, port: int, answers: Answers) -> Iterator[tuple[str, list[str]]]:
    """Serve the redirect on loopback; yields its address, and the list that holds the one expected state.

    Port 0 is any that is free. Raises InvalidRequest if the port is taken.
    """
    expected: list[str] = []
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(answers, expected))
    except OSError as error:
        raise InvalidRequest(
            f"Port {port} cannot be used for the sign-in: {error}",
            service=service,
            remedy="Finish the other sign-in, or end the program that uses this port, and start again.",
        ) from error
    server.daemon_threads = True
    # `shutdown` below takes as long as one poll.
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", expected
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def returned_code(answers: Answers, service: str, at: str, timeout: float) -> str:
    """Wait until the browser returns with a code. Raises Timeout, and AuthError if `at` (who asks) refused."""
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise Timeout(
            f"The sign-in was not completed within {timeout:.0f} seconds.",
            service=service,
            remedy=TRY_AGAIN,
            outcome="not_done",
        ) from None
    if "code" not in answer:
        raise AuthError(
            f"{at} did not complete the sign-in: {answer['error'][:100]}.", service=service, remedy=TRY_AGAIN
        )
    return answer["code"]


def _handler(answers: Answers, expected: list[str]) -> type[BaseHTTPRequestHandler]:
    class Redirect(BaseHTTPRequestHandler):
        """Receives the browser's redirect; anything without the right state is rejected and changes nothing."""

        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            if not expected or not hmac.compare_digest(query.get("state", "").encode(), expected[0].encode()):
                self._show(404, "Nothing here", "This address is only for the sign-in in progress.")
            elif "code" in query:
                self._show(200, "Signed in", "You can close this window.")
                answers.put({"code": query["code"]})
            else:
                self._show(200, "Not signed in", "You can close this window and start again.")
                answers.put({"error": query.get("error", "no reason given")})

        def _show(self, status: int, title: str, text: str) -> None:
            page = _PAGE.format(title=title, text=text).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("Referrer-Policy", "no-referrer")  # the page's address contains the code
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Log nothing: the address contains the code."""

    return Redirect
