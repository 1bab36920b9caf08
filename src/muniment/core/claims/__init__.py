"""Claims: one module for each kind of predicate."""
