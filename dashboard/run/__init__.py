"""The parts of the page of a run, and the form that starts one (`form.py`)."""
