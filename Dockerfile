# One image for webserver, daemon and runs; the command says which. Build with any name and an immutable tag:
#   docker build --platform linux/amd64 -t music-assets:0.1.0 .

FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /build
ENV VIRTUAL_ENV=/app UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN uv venv "$VIRTUAL_ENV"
# What the project depends on, each at the lock's version and with one of the lock's hashes; no test tools.
COPY pyproject.toml requirements.lock ./
RUN uv pip install --no-cache --only-binary :all: --constraint requirements.lock --requirement pyproject.toml --extra pipeline --extra aws
COPY README.md LICENSE ./
COPY music_assets music_assets
RUN uv pip install --no-cache --no-deps .

FROM python:3.11-slim-bookworm
# A user without a home or a shell. /scratch is the one folder it may write to; a volume, so that it stays its own
# where the rest of the image is mounted read-only.
RUN groupadd --gid 10001 music && useradd --uid 10001 --gid music --no-create-home --shell /usr/sbin/nologin music \
    && install -d -o music -g music /scratch /scratch/data
COPY --from=build /app /app
COPY deploy/dagster.yaml /opt/dagster/dagster.yaml
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DAGSTER_HOME=/opt/dagster \
    DAGSTER_LOGS_PREFIX=compute-logs \
    MUSIC_ASSETS_DATA=/scratch/data \
    TMPDIR=/scratch
VOLUME ["/scratch"]
WORKDIR /scratch
USER 10001:10001
EXPOSE 3000
# Of the webserver, the default command; on ECS each task has its own in its task definition.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:3000/server_info', timeout=5)"]
CMD ["dagster-webserver", "-h", "0.0.0.0", "-p", "3000", "-m", "music_assets.definitions"]
