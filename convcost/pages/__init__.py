"""Pages: results as HTML files that stand alone."""
