"""How the bundled encoder-decoder was made: a small T5 that reads letters and writes phonemes."""
