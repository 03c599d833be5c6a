"""Child processes: how a command that is not ours is run, and how all that it has started is ended."""
