"""The tensors in model files, read from headers without loading weights."""
