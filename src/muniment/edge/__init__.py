"""What every HTTP door shares: who asks, how it is refused, which bytes are meant."""
