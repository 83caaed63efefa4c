"""Who asks: login, bearer tokens, what they may do, and the log of what they were shown."""
