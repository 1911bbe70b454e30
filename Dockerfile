# The product from its sources, without what only development needs. The embedded Postgres comes along, unused where
# DATABASE_URL is set.
FROM node:24-bookworm-slim
WORKDIR /app
COPY package.json package-lock.json ./
COPY kernel/package.json kernel/
COPY sdk/package.json sdk/
COPY server/package.json server/
RUN npm ci --omit=dev --ignore-scripts
COPY kernel kernel
COPY sdk sdk
COPY server server
COPY charters charters
RUN mkdir -p /var/lib/mandate && chown node:node /var/lib/mandate
USER node
VOLUME /var/lib/mandate
EXPOSE 4007
# The flag is that of server/bin/node24.mjs.
ENTRYPOINT ["node", "--max-semi-space-size=8", "--conditions=mandate-source", "server/src/main.ts"]
CMD ["start"]
