"""The same benchmarks on other durable engines, configured to persist each step."""
