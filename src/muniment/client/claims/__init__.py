"""Claims: evaluate, and sign with a key, an SSH agent or a passkey."""
