"""The contract between hub and cloud: wire types, segments, chain, client, relay; imports neither side."""
