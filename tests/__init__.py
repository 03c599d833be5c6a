"""The tests, file by file beside what they test: tests/rest/test_sse.py is about src/hecate/rest/sse.py."""
