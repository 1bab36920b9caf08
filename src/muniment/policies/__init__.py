"""Policies as people write them: YAML, expressions, fixtures, and templates to start from."""
