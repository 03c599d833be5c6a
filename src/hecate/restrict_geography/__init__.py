"""Keeps the API from answering where the operator says so: by the country that this machine is in.  Off by default."""
