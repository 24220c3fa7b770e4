"""Connections to services: whose account each uses, and the demo services that replace real ones.

Begin with `accounts.py`, which opens the client that a step gets, and `modes.py` (demo or mine). `doctor.py` checks
connections and names the next step; `consents.py` keeps which accounts people agreed to. Used by the runner for each
call, and by the page Connections.
"""
