FROM python:3.13-slim-bookworm AS build
WORKDIR /build
COPY locks/build.txt locks/runtime.txt locks/
RUN python -m venv /opt/trunkline \
    && /opt/trunkline/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r locks/runtime.txt \
    && pip install --no-cache-dir --disable-pip-version-check --require-hashes -r locks/build.txt
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY domain domain
COPY application application
COPY adapters adapters
COPY entrypoints entrypoints
RUN pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/trunkline/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps dist/*.whl

FROM python:3.13-slim-bookworm
RUN useradd --system --create-home --home-dir /var/lib/trunkline trunkline
COPY --from=build /opt/trunkline /opt/trunkline
ENV PATH=/opt/trunkline/bin:$PATH PYTHONUNBUFFERED=1 TRUNKLINE_HOST=0.0.0.0 TRUNKLINE_DATA_DIR=/var/lib/trunkline
USER trunkline
WORKDIR /var/lib/trunkline
EXPOSE 8080
ENTRYPOINT ["trunkline"]
CMD ["serve"]
