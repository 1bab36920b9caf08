"""What we need of the world: Protocols of seven methods or fewer."""
