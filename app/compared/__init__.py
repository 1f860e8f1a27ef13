"""What the architectures page compares: one model of each kind, its blocks, its masks, and what a token meets in it."""
