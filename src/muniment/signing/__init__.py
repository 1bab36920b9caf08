"""Keys, signatures and bundles, for client and server alike."""
