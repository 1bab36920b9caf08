"""Gates: policies, requests and comments."""
