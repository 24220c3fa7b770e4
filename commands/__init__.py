"""The commands of `orchestra`, one file per group: they read arguments and print results, the engine does the work.

Begin with a small group such as `runs/run.py`; `base/` has what all share: how a workspace is opened, `--json`, exit
codes, tables. Every command prints one JSON document with `--json`, and an error as `{"error": …}`. What is slow to
import, such as the engine's façade, is imported in the function that needs it, so that `--help` is quick.

May import `engine`, `api` (for `serve`) and what `clients` declares. Used by `cli.py`.
"""
