"""How it is vouched for: keys, signatures, bundles. Used by client and server alike."""
