"""The whole of sync in one process: the product's code on a made-up network, disk and time."""
