"""The mesh: daemons that find and use each other."""
