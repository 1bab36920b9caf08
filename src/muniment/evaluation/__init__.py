"""Compute evidence from predictions, with scikit-learn (the extra `evaluation`)."""
