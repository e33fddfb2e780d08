"""Files of tables, read into cells with their places; nothing of networks."""
