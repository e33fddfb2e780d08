"""Published tables: printed numbers as exact intervals, and the reading of tables from papers and READMEs."""
