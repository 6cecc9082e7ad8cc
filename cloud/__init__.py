"""The Postgres service: accepts what hubs recorded, adds history and insights."""
