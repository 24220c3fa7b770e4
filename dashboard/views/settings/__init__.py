"""The pages of the section Settings."""
