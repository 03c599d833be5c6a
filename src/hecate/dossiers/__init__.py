"""The engine: dossiers of events, the desks that write them, and what is read from them.

It knows nothing of ventures, divisions or HTTP: the processes import the engine, never the
other way round.
"""
