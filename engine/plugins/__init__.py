"""The base classes of step types and trigger types, and the registry that finds them.

Begin with `step.py` and `trigger.py`: their docstrings are the contract. `registry.py` finds every class in
`engine/steps/` and `engine/triggers/` and in installed packages, which `packaged.py` holds to what they may add.
A step type imports from here and from its client, and from nothing above.
"""
