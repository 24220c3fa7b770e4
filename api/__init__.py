"""FastAPI routes and sign-in: the REST API, sockets, and MCP.

A route reads the request, calls one method of `engine.Orchestra` and returns its record; it decides nothing. Begin with
one of the small files of `routes/`, then `base/` (who asks, errors as JSON, limits) and `server.py`, which puts all of
it together. A plain `def` runs in a thread, as it waits for the disk or for a server; an `async def` must not wait, and
passes such work to `reading` or `to_thread`. What each role may do at each address is in `tests/api/test_roles.py`.

May import `engine` and what `clients` declares. Used by `app.py` and by `orchestra serve`.
"""
