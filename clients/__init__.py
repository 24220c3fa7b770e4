"""API clients: one module or folder per service, on its SDK where that helps. Nothing here knows about workflows.

Begin with `client.py`, the contract that every client keeps, and with one small service (`telegram/`).
`transport.py` sends every request, and denies all addresses but those allowed; `errors.py` has what can go wrong.
A service of yours is one more module, or a folder with a `client.py`; no list names it.

May import nothing of ours. Used by the steps and triggers of `engine/`, which name a service by its folder.
"""

VERSION = "0.1.0"
AGENT = f"AI-Orchestra/{VERSION}"
"""How every request names this program (RFC 9110 10.1.5)."""
