"""What the functions of our own compute: plain Python over JSON values, one module for each kind of value.

`engine/expressions/function_table.py` names them, with their types and examples.
"""
