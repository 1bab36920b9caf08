"""People and workloads: who they are, their keys, roles, tokens, and how they sign in."""
