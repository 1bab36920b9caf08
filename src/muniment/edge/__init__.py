"""What every HTTP door shares: callers, reading, writing, uploads, ranges, conditions, limits, refusals."""
