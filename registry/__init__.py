"""The service and the domain: what a licence is, what may be shown of it, and what it allows."""
