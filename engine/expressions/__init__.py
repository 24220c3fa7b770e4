"""The `{{ }}` language: finding expressions, checking their types, and evaluating them.

Begin with `expressions.py`: CEL over plain JSON, in one pass; a value never becomes an expression. A function is one
row of `function_table.py`. `interpreter.py` runs an expression over what is only known of its values: from it come
types, cost and where text comes from (`origins.py`). Imports only `base/`.
"""
