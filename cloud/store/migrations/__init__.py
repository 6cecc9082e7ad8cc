"""Plain SQL, numbered; a released file never changes."""
