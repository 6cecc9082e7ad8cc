"""The rig that runs the hub on a real Linux kernel's Bluetooth and a real bluetoothd; see docs/radio-rig.md.

It is optional and never part of the test suite.
"""
