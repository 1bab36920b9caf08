"""Where the parts meet: the only composition root."""
