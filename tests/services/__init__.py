"""Real services for tests, demo and benchmarks: OpenSearch, PostgreSQL and Chromium (see docs/services.md)."""
