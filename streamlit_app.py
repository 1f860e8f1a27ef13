"""The entry of `make run` and of `streamlit run streamlit_app.py`: imported it is the server, run as a script a page."""

import streamlit as st

from app import asgi
from app.navigation import run

if __name__ == "__main__":
    run()
else:
    app = st.App(__file__, lifespan=asgi.lifespan, routes=asgi.ROUTES, middleware=asgi.MIDDLEWARE)
