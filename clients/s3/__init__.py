"""S3: objects in a bucket of Amazon or of any server with its API."""
