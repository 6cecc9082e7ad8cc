"""Files of any wearable in: opened, read, matched to an athlete, counted once, undone.

It holds no reader of a format; those live in hub.devices.exports.
"""
