"""Pure formulas: numpy and the standard library only, arrays in, numbers out; used by hub and cloud."""
