"""What must survive a crash and is not a file that people read: records, and the ports through which they are kept.

Begin with `state.py`, the list of ports; each port is a page, and a transaction is one verb of it. `sql/` keeps them in
any database, `sqlite/` and `postgres/` say what differs; `blobs/` keeps whole files. One contract suite
(`tests/engine/store/`) holds every implementation. Imports `record/types` and below.
"""
