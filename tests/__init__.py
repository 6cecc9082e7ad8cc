"""What Touchline promises, as tests; the folders mirror the code and the files are named by behaviour."""
