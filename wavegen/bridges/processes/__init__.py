"""The processes: each is its coefficient functions and its source's settings."""
