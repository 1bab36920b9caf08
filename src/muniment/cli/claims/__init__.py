"""Commands: evidence, cards, runs, reproduction."""
