"""Real services for tests, demo and benchmarks: OpenSearch, PostgreSQL, a FHIR server and Chromium (see docs/services.md)."""
