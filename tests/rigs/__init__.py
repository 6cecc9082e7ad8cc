"""Rigs that need more than a Python environment; none of them runs with the test suite."""
