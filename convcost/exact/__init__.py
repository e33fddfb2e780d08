"""One arithmetic for ints, int64 arrays and symbols."""
