"""The audit: replay the log, or all of a namespace, and name the first entry that cannot be true."""
