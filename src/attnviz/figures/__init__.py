"""Records or numbers in, Plotly figures out: one theme, one token axis."""
