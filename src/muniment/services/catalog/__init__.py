"""The catalog: models, owners, tags, comments, lineage and search."""
