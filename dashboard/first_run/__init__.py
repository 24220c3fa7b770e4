"""The parts of the page First run."""
