"""Pages for what needs a browser: making a passkey and signing with it."""
