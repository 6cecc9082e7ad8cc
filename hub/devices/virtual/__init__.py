"""Virtual straps on a virtual radio: real Bluetooth protocol with only the air modelled."""
