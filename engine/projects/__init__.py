"""Programs that workflows write: each project is a bare Git repository in `projects/`.

Begin with `repository.py` (commits without a working folder); `work.py` is the branch of a run. Used by the steps
`project.*` and by the page Projects.
"""
