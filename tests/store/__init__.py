"""The SQLite store, always a real file."""
