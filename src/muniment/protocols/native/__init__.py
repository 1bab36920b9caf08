"""The registry's own REST protocol, under /api/v1, described by its OpenAPI document."""
