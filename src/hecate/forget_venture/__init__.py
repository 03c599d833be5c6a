"""Forgetting a venture: every text that is recorded of it is erased, and the hash chain stays whole.

What the store has goes in one transaction (`hecate.dossiers.forgetting`).  The rest follows before the caller gets
an answer, and at the next start where the daemon was killed in between.
"""
