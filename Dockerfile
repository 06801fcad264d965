# understudy in an image of one program: no shell, no library, no package to keep up to date.
#
#   docker build -t understudy .
#   docker run -it understudy demo
#   docker run --read-only --cap-drop ALL --cap-add NET_BIND_SERVICE \
#       -p 53:53/udp -p 53:53/tcp -v understudy-state:/state -v ./zones:/zones:ro understudy serve --listen 0.0.0.0:53 /zones/example.com.zone
#
# Where no registry is reachable: put the static program into prebuilt/understudy and the certificates of authorities into
# prebuilt/ca-certificates.crt, and add --build-arg PROGRAM=prebuilt. It takes BuildKit, docker's builder since 23.0
# (DOCKER_BUILDKIT=1 before).

# Where the program comes from: "build" compiles it, "prebuilt" takes it from the folder of that name.
ARG PROGRAM=build

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Static, so that the image needs nothing beside it. --target keeps the flag from build scripts and derive macros, which
# cannot be static; `dist` is the profile of what is shipped. The cache outlives a build, so the program is moved out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    target="$(uname -m)-unknown-linux-gnu" \
    && CARGO_PROFILE_DIST_STRIP=symbols RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --profile dist --features jemalloc --target "$target" --bin understudy \
    && mkdir /program && cp "target/$target/dist/understudy" /etc/ssl/certs/ca-certificates.crt /program/

FROM scratch AS prebuilt
COPY prebuilt/ /program/

FROM ${PROGRAM} AS program

FROM scratch
LABEL org.opencontainers.image.title="understudy" \
      org.opencontainers.image.description="Health-driven authoritative DNS server for SRV failover" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# The authorities that TLS probes trust; mount your own over it, or set `health.ca-file`.
COPY --from=program /program/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=program /program/understudy /understudy
# Nobody's number: it owns /state and nothing else. Docker lets every user listen on port 53
# (net.ipv4.ip_unprivileged_port_start=0); elsewhere add the capability NET_BIND_SERVICE.
USER 65532:65532
# It makes the folder, of that user: a named volume takes both over when it is first used.
WORKDIR /state
WORKDIR /
# There is no /tmp; the demo makes a folder of its own.
ENV STATE_DIRECTORY=/state TMPDIR=/state
# Orders, memory and serials: without a volume that outlives the container a new one forgets them, and its SOA serials may fall
# behind those that secondaries have.
VOLUME /state
EXPOSE 53/udp 53/tcp
# The program asks itself: there is no shell or curl to do it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/understudy", "ready"]
# SIGTERM drains.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/understudy"]
CMD ["serve"]
