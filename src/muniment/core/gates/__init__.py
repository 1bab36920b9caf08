"""Gates: policies, their rules, and verdicts."""
