"""The pitchside process: straps and files in, live load and attendance out, with no internet."""

__version__ = "0.1.0"
