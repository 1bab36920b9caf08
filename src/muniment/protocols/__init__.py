"""How others say it: each protocol in a folder of its own, thin and independent."""
