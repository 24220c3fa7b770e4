"""Forms that strangers fill in: their fields, what may be typed into them, and the folder where submissions wait.

Begin with `inbox.py`: a submission is on disk before its sender is thanked. The trigger that starts runs from it is
`engine/triggers/form.py`.
"""
