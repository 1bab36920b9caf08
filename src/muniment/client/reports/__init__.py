"""Documents made of claims: evaluations, cards, leaderboards, graphs."""
