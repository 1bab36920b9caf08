"""The registry in a SQL database, through SQLAlchemy Core."""
