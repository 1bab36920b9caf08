"""People and workloads: their keys, roles and tokens, and how they sign in."""
