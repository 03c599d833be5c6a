"""Suites of tests: how one is run in a job, and what is read of its outcome.

What test_division records and what a rescue goes by; processes do not import each other, so it is here.
`hecate.suites.run_suite.run_suite` is the way in.
"""
