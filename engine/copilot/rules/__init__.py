"""The co-pilot without a model: changes said in plain words, samples that fit, and passages of the documentation."""
