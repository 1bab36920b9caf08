"""Reproduction: plan it, lay out the workplace, run, compare."""
