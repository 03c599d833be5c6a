"""The configuration of what is generated."""

from __future__ import annotations

from msgspec import Struct


class GenerateSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[generate]``: what the code of divisions is made from."""

    templates: str = ""
    """The folder of your own templates, one folder each; empty: ``templates`` beside the configuration file."""
