FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:22-bookworm-slim
LABEL org.opencontainers.image.title="AuditQL" \
  org.opencontainers.image.description="A tamper-evident audit log with a GraphQL API" \
  org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production AUDITQL_HOST=0.0.0.0
COPY --from=build /app/package.json /app/
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/build/dist /app/build/dist
COPY --from=build /app/build/graphiql /app/build/graphiql
COPY --from=build /app/build/viewer-page /app/build/viewer-page
# Defaults of files are below ./data: here, that is the volume. /config is for the file of API keys, see compose.yaml.
RUN mkdir -m 700 /data /config && chown node:node /data /config
USER node
WORKDIR /
VOLUME /data
EXPOSE 4000
# Whether the process lives. That it is ready is for a load balancer to ask (/readyz): no restart mends a database.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4000/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# docs/operating.md, "Size", says what the option is good for.
ENTRYPOINT ["node", "--max-semi-space-size=32", "/app/build/dist/main.js"]
CMD ["serve"]
