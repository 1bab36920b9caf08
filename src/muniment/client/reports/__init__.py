"""Documents made from claims: evaluations, cards, leaderboards, graphs."""
