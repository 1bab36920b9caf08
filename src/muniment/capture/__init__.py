"""What the SDK records automatically while a model is trained."""
