"""The verbs of `touchline-hub`, a file each; `hub.cli` only knows their names."""
