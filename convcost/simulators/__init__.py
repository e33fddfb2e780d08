"""Layers as accelerators' simulators know them: of a network, and as a table of theirs says them."""
