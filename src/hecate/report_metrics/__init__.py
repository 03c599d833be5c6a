"""What the daemon counts and measures about itself, for Prometheus."""
