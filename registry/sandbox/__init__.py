"""The development identity provider: real protocol, made-up people, no passwords. Never for real use."""
