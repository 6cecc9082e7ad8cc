"""Bad days on the pitch, with a record of what really happened to hold the hub's records against."""
