"""The registry as its doors see it: many callers, one writer."""
