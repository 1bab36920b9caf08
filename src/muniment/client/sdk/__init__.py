"""The SDK: how a program opens a registry, and the registry."""
