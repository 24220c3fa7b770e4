"""The co-pilot without a model: commands, explanations, diagrams, and passages and samples that fit a question."""
