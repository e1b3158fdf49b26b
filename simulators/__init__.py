"""Stand-ins with a life of their own: each is a process beside the application and imports nothing of it."""
