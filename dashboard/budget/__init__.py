"""Parts of the page Budgets."""
