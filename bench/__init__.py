"""Benchmarks of the engine: `make bench`. Figures are ratios to a limit, the least code that could do the same.

Begin with `__main__.py`, which names them, and `base/`; a benchmark is one module that prints its figure beside the
limit, from the same run. Comparisons with other engines and with models are in `evals/`.
"""
