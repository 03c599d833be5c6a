"""Facts for whoever follows them: the event log as pages, as lines, as CloudEvents, and live."""
