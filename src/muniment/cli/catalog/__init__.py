"""Commands about the catalog: lists, search, history, owners, tags, comments, lineage."""
