# An Asterisk node with Reinvite's modules, installed by the scripts that build the lab.
# docker build -f deploy/docker/asterisk.Dockerfile .
FROM debian:forky-slim
COPY deploy/lab/install /opt/reinvite-install
RUN /opt/reinvite-install/apt-quiet.sh \
 && sed -i 's/^Types: deb$/Types: deb deb-src/' /etc/apt/sources.list.d/debian.sources \
 && /opt/reinvite-install/packages.sh asterisk module-build
COPY packages/res-pjsip-recovery /opt/res-pjsip-recovery
RUN apt-get -q update && cd /opt/res-pjsip-recovery && ./build-deps.sh && make clean all install && make clean \
 && rm -rf /var/lib/apt/lists/*
COPY deploy/asterisk /opt/reinvite-asterisk
COPY deploy/docker/render.sh deploy/docker/asterisk.sh /usr/local/bin/
ENTRYPOINT ["asterisk.sh"]
