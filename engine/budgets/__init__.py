"""What model calls cost and how much they may: prices, budgets, and the rule that admits a call.

Begin with `rule.py`, the decision alone, without files or clocks; `meter.py` asks it before each request of a step.
`settings.py` is what people write in config.yaml. The runner calls this; the areas that show budgets are in `runs/`.
"""
