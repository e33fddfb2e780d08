"""What a number counts: rules of counting, kinds of work, and each tool's dialect."""
