"""Gates: policies, approvals, requests, and moves of aliases."""
