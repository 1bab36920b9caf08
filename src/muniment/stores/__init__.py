"""Stores: databases and blob stores behind the ports."""
