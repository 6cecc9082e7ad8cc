"""Export files to sessions, one file a format."""
