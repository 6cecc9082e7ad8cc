"""Export files of other vendors."""
