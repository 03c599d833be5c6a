"""The daemon: one process that keeps the dossiers and calls the models, behind one Unix socket."""
