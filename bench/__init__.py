"""What Hecate's speed claims rest on: each benchmark a file, peers measured in the same run."""
