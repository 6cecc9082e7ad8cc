"""The core of the hub: recorder, loads, importer, commands."""
