"""Claims: how a signed statement is verified, recorded and relied on."""
