# The image of AI-Orchestra: `serve`, `worker` and every other command of `orchestra` (docs/deployment.md).
ARG PYTHON_IMAGE=python:3.13.15-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_PYTHON=/opt/venv/bin/python
RUN python -m venv --without-pip /opt/venv
WORKDIR /opt/ai-orchestra
COPY deploy/requirements.txt ./
# Wheels only: nothing is compiled, so the image needs no compiler.
RUN pip install --require-hashes --only-binary :all: -r requirements.txt
COPY LICENSE README.md pyproject.toml app.py cli.py ./
COPY .streamlit .streamlit
COPY api api
COPY clients clients
COPY commands commands
COPY dashboard dashboard
COPY demo demo
COPY docs docs
COPY engine engine
COPY gallery gallery
COPY prompts prompts
COPY workflows workflows
RUN pip install --no-deps --no-build-isolation --editable . \
    && pip uninstall --yes hatchling pathspec pluggy tomlkit trove-classifiers \
    && /opt/venv/bin/python -m compileall -q . \
    && /opt/venv/bin/orchestra init /workspace

FROM ${PYTHON_IMAGE}
# tini ends the processes that others leave behind, and passes signals on. Its version is Debian's.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /workspace --shell /usr/sbin/nologin orchestra
COPY --from=build /opt /opt
# A new named volume begins as a copy of this folder.
COPY --from=build --chown=10001:10001 /workspace /workspace
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    ORCHESTRA_WORKSPACE=/workspace \
    ORCHESTRA_SERVER__HOST=0.0.0.0 \
    ORCHESTRA_WORKER__METRICS_HOST=0.0.0.0
WORKDIR /workspace
VOLUME /workspace
USER 10001:10001
EXPOSE 8501 9464
HEALTHCHECK --interval=30s --timeout=8s --start-period=90s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/health', timeout=7)"]
ENTRYPOINT ["tini", "--", "orchestra"]
CMD ["serve", "--port", "8501"]
