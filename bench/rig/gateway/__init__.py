"""What the gateway's benchmark is made of: a mock of OpenAI's API, its clients, Hecate's peers."""
