"""What model calls cost and how much they may: prices, budgets, and the rule that admits a call."""
