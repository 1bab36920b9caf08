"""What every HTTP door needs: who calls, reading, writing, uploads, ranges, conditions, limits, refusals."""
