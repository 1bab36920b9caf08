"""Commands about claims: evidence, cards, runs, reproduction, deployments, withdrawals."""
