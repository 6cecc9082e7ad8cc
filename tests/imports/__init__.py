"""Files on their way in: opened, told apart, read in processes of their own, queued, watched."""
