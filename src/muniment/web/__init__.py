"""Pages for browsers: what needs one, which is to make a passkey and to sign with it."""
