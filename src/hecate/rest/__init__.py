"""The REST layer: routes from the catalog, the envelope, streams, and the OpenAPI document."""
