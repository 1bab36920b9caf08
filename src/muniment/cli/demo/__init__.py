"""The demo: the whole story on a real model."""
