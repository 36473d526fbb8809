FROM python:3.13-slim-bookworm AS builder
WORKDIR /src
# The same sources give the same files: times in the wheel and the kind of bytecode come from here.
ARG SOURCE_DATE_EPOCH=1577836800
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} UV_LINK_MODE=copy
COPY pyproject.toml uv.lock LICENSE README.md ./
COPY scripts scripts
COPY bot bot
COPY commands commands
COPY sandbox sandbox
# A mirror with a password: docker build --secret id=pip.conf,src=pip.conf . (it reaches no layer).
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 scripts/environment.py --runtime --venv /opt/maasbot --tools /tmp/tools

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="maasbot" \
      org.opencontainers.image.description="Run Canonical MAAS (bare metal) from Slack" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/maasbot --shell /usr/sbin/nologin maasbot \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/maasbot
COPY --from=builder /opt/maasbot /opt/maasbot
ENV PATH=/opt/maasbot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MAASBOT_HTTP_HOST=0.0.0.0 \
    MAASBOT_STATE_DIR=/var/lib/maasbot
# maasbot.toml is looked for here.
WORKDIR /etc/maasbot
VOLUME ["/var/lib/maasbot"]
EXPOSE 3000
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:' + os.environ.get('MAASBOT_HTTP_PORT', '3000') + '/healthz', timeout=5)"]
ENTRYPOINT ["maasbot"]
CMD ["run"]
