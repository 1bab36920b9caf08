"""Reproduction: plan it, prepare the directory, run, compare."""
