"""Commands: policies, approvals, requests, moves, deployments."""
