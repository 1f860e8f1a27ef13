"""Pure functions from the records of a forward pass, or from plain numbers, to what the pages show."""
