"""The catalog: what there is, how it is named, described, related and found."""
