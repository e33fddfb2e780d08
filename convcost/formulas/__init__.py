"""Closed forms of what a network costs."""
