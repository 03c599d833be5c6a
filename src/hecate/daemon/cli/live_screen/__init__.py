"""The screen of ``hecate watch``, on Textual.

A folder of its own, and no command: ``hecate --help`` looks into every module beside it, and must not load Textual.
"""
