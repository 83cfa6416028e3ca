# The page on http://localhost:7860:
#   docker build -t clip-app . && docker run --rm -p 7860:7860 -v clip-cache:/cache clip-app
# With an NVIDIA GPU, add to build: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128
# and to run: --gpus all
# Without torch, for the starter and exported models, in 0.75 GB instead of 1.8, add to build:
#   --target light
# It writes to /cache and /tmp only: run it with --read-only --tmpfs /tmp if you like.
FROM python:3.12-slim AS base

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /app
RUN useradd --create-home --uid 1000 app \
    && install -d -o app -g app /cache /app/.gradio

# Downloaded models, what is made of them, and the indexes of galleries are kept on the volume.
ENV HF_HOME=/cache \
    CLIP_APP_CACHE_DIR=/cache/clip_app \
    CLIP_APP_HOST=0.0.0.0 \
    CLIP_APP_INDEX_DIR=/cache/index \
    CLIP_APP_PORT=7860
VOLUME /cache
EXPOSE 7860

# The first start downloads the model; until then a failed check does not count. Where a log-in is
# asked for, that too is an answer.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15m --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; asked = http.client.HTTPConnection('127.0.0.1', int(os.environ['CLIP_APP_PORT']), timeout=4); asked.request('GET', '/'); sys.exit(asked.getresponse().status >= 500)"]

ENTRYPOINT ["python", "app.py"]

FROM scratch AS app
COPY app.py LICENSE /
COPY assets/ /assets/
COPY clip_app/ /clip_app/

# The libraries first, so that a change of the code installs nothing anew. The user app goes by
# number, so that a host can tell that it is not root.
FROM base AS light
COPY requirements-light.txt ./
RUN pip install -r requirements-light.txt "qdrant-client>=1.16"
COPY --from=app / ./
USER 1000

# torch before the rest, since it alone comes from TORCH_INDEX.
FROM base AS full
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.txt ./
RUN grep '^torch' requirements.txt > /tmp/torch.txt \
    && pip install --index-url "$TORCH_INDEX" -r /tmp/torch.txt \
    && rm /tmp/torch.txt
RUN pip install -r requirements.txt "qdrant-client>=1.16"
COPY --from=app / ./
USER 1000
