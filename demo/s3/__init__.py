"""A stand-in for an S3 bucket."""
