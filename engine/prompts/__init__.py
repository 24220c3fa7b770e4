"""Prompts: their files, versions and labels, and how their variables are filled.

Begin with `prompt.py` (the form of a file) and `prompts.py` (versions and labels). `cases.py` and `assertions.py` say
what an answer should be; `talk.py` is one conversation with a model. `prompt_files.py` is the area that faces call;
trying prompts is in `runs/prompt_tries/`.
"""
