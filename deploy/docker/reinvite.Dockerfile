# Reinvite's services: one image, one service a container. docker build -f deploy/docker/reinvite.Dockerfile .
FROM node:20-bookworm-slim AS build
WORKDIR /opt/reinvite
COPY . .
RUN npm run build

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/reinvite
COPY --from=build /opt/reinvite /opt/reinvite
ENTRYPOINT ["node", "services/cli/dist/main.js"]
CMD ["--help"]
