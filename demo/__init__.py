"""Loopback stand-ins that speak the real HTTP APIs of the services, with sample data.

They let `make run` work without an account. They run in a process of their own and know nothing of the engine. What
they answer is held against the published descriptions of the services. Begin with `server.py` and one service;
`endpoints.py` names them all.

May import nothing of ours. The engine starts them (`engine/connections/stand_ins.py`) and reaches them by HTTP only.
"""
