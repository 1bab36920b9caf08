"""Commands about gates: policies, approvals, requests, moves."""
