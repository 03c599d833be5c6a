"""Hecate: a local daemon that gives every tool on a machine one API over a Unix socket."""

__version__ = "0.8.0"
