"""The dashboard: the only code that imports Streamlit."""

import os

# NumPy's matrices here are small and its users many: with two threads, each product waits for the other one's turn.
# 12 heads of 500 tokens took 190 ms with two threads on two busy cores, 5 ms with one. Set before NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
