"""The entry: `make run`, or `streamlit run streamlit_app.py`."""

from app.navigation import run

run()
