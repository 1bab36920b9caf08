"""Commands: people, keys, roles, tokens."""
