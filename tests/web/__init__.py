"""The hub's pages, asked over a real store, board and recorder."""
