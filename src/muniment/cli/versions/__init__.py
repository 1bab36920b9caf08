"""Commands about a version: push, pull, show, verify, export, and its end."""
