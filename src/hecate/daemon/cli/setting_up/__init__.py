"""What ``hecate init`` is made of: the files that it writes, and what it finds on the machine."""
