"""Ports: what the services need from stores and clocks, as small Protocols."""
