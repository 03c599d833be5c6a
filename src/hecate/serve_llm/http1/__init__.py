"""HTTP/1.1 from the client's side, as little of it as providers need: on httptools, kept connections, no redirects.

A general client does much for each request that a gateway has no use for: what it did for a call of a
model took more time than all the rest of Hecate.
"""
