"""The protocols, each in its own folder, thin and independent of the others."""
