"""Whole stories over real sockets: hub, cloud, Postgres and the virtual pitch as processes of their own."""
