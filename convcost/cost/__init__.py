"""The layer graph and what it costs: counts, receptive fields, memory, roofline, training."""
