"""Find code in files that would run when they are loaded, without loading them."""
