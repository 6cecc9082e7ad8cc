"""Pages on the local network; asks the store and the board, acts through callables it is given."""
