"""Files as they are taken from others and left for others: read within limits, written whole or not at all."""
