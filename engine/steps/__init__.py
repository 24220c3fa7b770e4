"""The step types that ship: one file per family. A class of StepType in a file of this folder is found by itself."""
