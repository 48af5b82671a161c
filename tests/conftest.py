"""Fixtures that every file of tests may ask for."""
from database_targets import mysql_server, postgres_server, target  # noqa: F401
