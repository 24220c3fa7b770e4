"""The co-pilot without a model: commands, explanations, samples that fit, and passages of the documentation."""
