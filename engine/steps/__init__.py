"""The built-in step types, one file or folder per family. Subclasses of `StepType` here are registered automatically.

Begin with a small one, such as `slack.py`, and its contract, `engine/plugins/step.py`. A step says what it takes (and
what each field means to somebody who must trust it), what it writes and how a lost write is found; calling, retrying
and recording are the runner's. A new type is one new file: docs/extending.md.
"""
