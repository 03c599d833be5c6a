"""What the benchmarks are made of: the daemon as a child process, clients, peers, figures."""
