"""People and workloads: sign in, keys, roles, tokens."""
