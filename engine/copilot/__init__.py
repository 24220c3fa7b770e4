"""The co-pilot: what it proposes for a draft, explains and answers.

Begin with `copilot.py`, the area that faces call. A proposal is a list of the operations that a person could make on
the canvas (`proposals/`); accepting one computes it anew from today's draft. `talking/` is the conversation with a
model, `without_model/` answers without one, `fixes/` mends problems, `wizard/` guides by clicks. Nothing below it
knows of it.
"""
