"""Versions: push, pull, load, compare, export."""
