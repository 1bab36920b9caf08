"""The catalog: statuses and searches."""
