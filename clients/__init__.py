"""API clients: one module or folder per service, built on its official SDK. Nothing here knows about workflows."""

VERSION = "0.1.0"
AGENT = f"AI-Orchestra/{VERSION}"
"""How every request names this program (RFC 9110 10.1.5)."""
