"""Workspaces: the folder of a venture's code, what may be written there, and the git repository around it."""
