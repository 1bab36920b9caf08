"""What the SDK records by itself while a model is trained."""
