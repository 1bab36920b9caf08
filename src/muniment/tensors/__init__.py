"""The tensors inside of model files: read off headers, without loading weights."""
