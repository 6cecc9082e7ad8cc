"""Radio and files to readings; knows nothing of athletes, storage or pages."""
