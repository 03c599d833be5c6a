"""What a caller is told where the API must not answer."""

from __future__ import annotations

from hecate.dossiers.errors import HecateError


class GeoRestricted(HecateError):
    """This machine is where the operator does not want the API to answer."""

    code = "geo_restricted"
    status = 403
