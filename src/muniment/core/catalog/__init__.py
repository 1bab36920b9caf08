"""The catalog: statuses, and what versions are found by."""
