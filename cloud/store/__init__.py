"""Postgres: the one door to psycopg, with SQL in named blocks and migrations in plain files."""
