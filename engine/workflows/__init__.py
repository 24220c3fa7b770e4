"""Workflow files: reading, checking, compiling, formatting.

Begin with `workflow_files.py`, the area that faces call, and `editing/`: every change, by canvas, command, REST or a
model, is the same list of operations, made as splices of the text. `compiled_files.py` compiles a file once.
"""
