"""Where it is kept: databases and blob stores behind the ports."""
