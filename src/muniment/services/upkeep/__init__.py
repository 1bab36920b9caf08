"""Upkeep: jobs that run beside the registry, and its repair."""
