"""SQL truth: what the authorities sent, what it means, and since when this registry knows it."""
