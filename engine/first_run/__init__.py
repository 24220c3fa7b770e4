"""From an empty workspace to a run on a person's own mail, in five steps.

Begin with `steps.py`, the five steps as people see them; `first_run.py` is the area that the page and `orchestra start`
call. The workflow is put together from `gallery/first-run/`. Nothing below it knows of it.
"""
