"""Answers: what follows from the log, computed alike by the registry and by who relies on it."""
