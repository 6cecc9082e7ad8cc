"""Power cuts by the thousand: the hub's real schema and writer on a disk that forgets what was not synced."""
