"""Recorded and made-up sessions played through the whole hub again."""
