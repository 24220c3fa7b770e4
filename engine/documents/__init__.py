"""Read JSON and YAML files with the line and column of every value, and check them against schemas.

Begin with `json_file.py` (a file with places) and `json_splice.py` (an edit that leaves the rest as its author wrote
it). `schema_check.py` checks values of users with bounded work. It knows nothing of workflows, and imports only
`base/` and `expressions/`.
"""
