"""The tables behind requests, keys and files: SQLite on one machine, PostgreSQL on many."""
