"""Numbers of sessions and days as they follow from what is stored, by the values that held on the day."""
