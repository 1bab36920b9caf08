"""People and workloads: callers and roles."""
