"""Numbers as papers print them, and their units."""
