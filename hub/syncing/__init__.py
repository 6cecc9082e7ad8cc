"""The hub's side of the sync: joining a club, the way to the cloud, sticks, and what people are told."""
