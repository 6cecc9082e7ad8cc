"""The formulas, held against published numbers and against each other."""
