"""The connection to a server: transport, settings, credentials."""
