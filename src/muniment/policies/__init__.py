"""Policies as people write them: YAML, expressions, fixtures, and ready-made ones to begin with."""
