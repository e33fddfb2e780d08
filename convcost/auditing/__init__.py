"""Whether a printed number is right: evidence, proofs, edits, reconciliations."""
