"""Commands: push, pull, list, show, verify."""
