"""Predictions in, evidence out. Needs the extra `evaluation`; the statistics are scikit-learn's."""
