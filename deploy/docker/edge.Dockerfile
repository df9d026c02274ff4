# Kamailio and RTPEngine, installed by the scripts that build the lab.
# docker build -f deploy/docker/edge.Dockerfile .
FROM debian:forky-slim
COPY deploy/lab/install /opt/reinvite-install
RUN /opt/reinvite-install/apt-quiet.sh && /opt/reinvite-install/packages.sh edge
COPY deploy/kamailio /opt/reinvite-kamailio
COPY deploy/docker/render.sh deploy/docker/kamailio.sh /usr/local/bin/
COPY deploy/kamailio/rtpengine.sh /usr/local/bin/reinvite-rtpengine
ENTRYPOINT ["kamailio.sh"]
