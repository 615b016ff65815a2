# A worker of the app that is mounted or copied to /app, or a server for it:
#   docker run -v "$PWD:/app" durablectl
#   docker run -v "$PWD:/app" -p 7071:7071 durablectl serve --host 0.0.0.0
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/durablectl && /opt/durablectl/bin/pip install --no-cache-dir ".[serve]"

FROM python:3.13-slim
COPY --from=build /opt/durablectl /opt/durablectl
RUN useradd --create-home --uid 1000 durablectl && mkdir /app && chown durablectl /app
USER 1000
WORKDIR /app
ENV PATH="/opt/durablectl/bin:$PATH" PYTHONUNBUFFERED=1
ENTRYPOINT ["durablectl"]
CMD ["worker"]
