"""Reading a forward pass: the record, the attention function, the tokens."""
