"""The built-in step types, one file per family. Subclasses of StepType in this folder are registered automatically."""
