"""Keeping what was recorded: copies of it, its soundness, and its read models.

Everything here works on the files of a data directory, in the process of the command that was called, whether a
daemon serves them at the time or not: SQLite lets other processes read what one writes.  So the daemon writes no
files where a caller of its API says, and its event loop does not share an interpreter with an hour's folding.
"""
