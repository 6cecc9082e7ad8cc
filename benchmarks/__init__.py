"""Sizes and speeds, measured on this machine beside the peers; no test times anything."""
