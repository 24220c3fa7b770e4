"""The record of a run: its document, log, inputs, values and failures."""
