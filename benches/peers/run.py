#!/usr/bin/env python3
"""Measures understudy beside other authoritative servers: the same zones and queries, pinned alike, in interleaved rounds.

    benches/peers/run.py [--install] [--work hot,nxdomain,large,static] [--rounds 9] [--seconds 2] [--servers echo,understudy,…]

Each server has one thread for UDP and processor 0 to itself; dnsperf has processor 1: 16 sockets with 32 queries outstanding
each, EDNS without DO. A round asks each server in turn. Printed are medians over the rounds, with their range: processor
time of each answered query (of all threads, from /proc), queries a second, the latency of single queries beside the load, and
what was resident and how long it took from the start to the first answer. The ratio is to the echo, measured in the same
round: a program that only sends datagrams of the same length back (benches/peers/echo.rs), many in one call.

--install takes the peers and dnsperf from Debian. What is not installed is left out. Build before:

    cargo build --profile dist && cargo bench --bench echo --no-run
"""

import argparse
import glob
import os
import random
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

PACKAGES = ["nsd", "knot", "gdnsd", "pdns-server", "pdns-backend-bind", "bind9", "dnsperf"]
HOUSE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ORIGIN = "example.com"
SERVER_CPU, CLIENT_CPU = 0, 1
SERVICES = 100_000
STATIC = 166_667

HEAD = f"""$ORIGIN {ORIGIN}.
@ 3600 IN SOA ns1.{ORIGIN}. hostmaster.{ORIGIN}. 2026010101 7200 900 1209600 300
@ 3600 IN NS ns1.{ORIGIN}.
@ 3600 IN NS ns2.{ORIGIN}.
ns1 3600 IN A 127.0.0.53
ns2 3600 IN A 127.0.0.54
"""

HOT = HEAD + """@ 300 IN A 127.0.0.80
sip-node1 300 IN A 127.0.0.10
sip-node2 300 IN A 127.0.0.11
sip-dr 300 IN A 127.0.0.20
xmpp 300 IN A 127.0.0.30
_sip._tcp 60 IN SRV 10 50 5060 sip-node1
_sip._tcp 60 IN SRV 10 50 5060 sip-node2
_sip._tcp 60 IN SRV 20 100 5060 sip-dr
_sip._tls 60 IN SRV 10 50 5061 sip-node1
_sip._tls 60 IN SRV 10 50 5061 sip-node2
_xmpp-client._tcp 60 IN SRV 10 100 5222 xmpp
_xmpp-server._tcp 60 IN SRV 10 100 5269 xmpp
"""

MIX = [("_sip._tcp", "SRV", 10), ("_sip._tls", "SRV", 4), ("_xmpp-client._tcp", "SRV", 8), ("_xmpp-server._tcp", "SRV", 6),
       ("sip-node1", "A", 5), ("sip-node2", "A", 4), ("sip-dr", "A", 2), ("xmpp", "A", 5), ("", "A", 2), ("", "SOA", 1),
       ("xmpp", "AAAA", 2)]


def hot_queries(chance):
    names = [(f"{name}.{ORIGIN}" if name else ORIGIN, rtype) for name, rtype, weight in MIX for _ in range(weight)]
    chance.shuffle(names)
    return names


def nxdomain_queries(chance):
    return [(f"{chance.getrandbits(60):015x}.{ORIGIN}", "A") for _ in range(200_000)]


def large_zone():
    lines = [HEAD]
    for n in range(SERVICES):
        lines.append(f"_sip._tcp.t{n} 60 IN SRV 10 50 5060 n1.t{n}\n_sip._tcp.t{n} 60 IN SRV 10 50 5060 n2.t{n}\n"
                     f"_sip._tcp.t{n} 60 IN SRV 20 100 5060 dr.t{n}\n")
        for m, host in enumerate(["n1", "n2", "dr"]):
            lines.append(f"{host}.t{n} 300 IN A 127.{m + 1}.{n >> 8 & 255}.{n & 255}\n")
    return "".join(lines)


def large_queries(chance):
    def one():
        n = chance.randrange(SERVICES)
        if chance.random() < 0.7:
            return f"_sip._tcp.t{n}.{ORIGIN}", "SRV"
        return f"{chance.choice(['n1', 'n2', 'dr'])}.t{n}.{ORIGIN}", "A"
    return [one() for _ in range(400_000)]


def static_zone():
    lines = [HEAD]
    for n in range(STATIC):
        hosts = [("n1", 10), ("n2", 10), ("dr", 20)]
        lines += [f"mail.t{n} 60 IN MX {preference} {host}.t{n}\n" for host, preference in hosts]
        lines += [f"{host}.t{n} 300 IN A 127.{m + 1}.{n >> 8 & 255}.{n & 255}\n" for m, (host, _) in enumerate(hosts)]
    return "".join(lines)


def static_queries(chance):
    return [(f"{chance.choice(['n1', 'n2', 'dr'])}.t{chance.randrange(STATIC)}.{ORIGIN}", "A") for _ in range(400_000)]


WORKS = {
    "hot": ("hot mix of 11 queries", lambda: HOT, hot_queries),
    "nxdomain": ("random NXDOMAIN", lambda: HOT, nxdomain_queries),
    "large": ("600,000 records, random names", large_zone, large_queries),
    "static": ("1,000,000 records that follow no health, random hosts", static_zone, static_queries),
}


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def understudy(folder, port, program, minimal=False, workers=1):
    config = write(f"{folder}/understudy.toml", f"""version = 1
[server]
listen = ["127.0.0.1:{port}"]
workers = {workers}
minimal-responses = {str(minimal).lower()}
admin-socket = "none"
[[service]]
match = "*.*.{ORIGIN}"
check = {{ kind = "none" }}
[[service]]
match = "*.*.*.{ORIGIN}"
check = {{ kind = "none" }}
[[zone]]
name = "{ORIGIN}"
file = "{folder}/zone"
""")
    return [program, "serve", "--state", "none", config]


def nsd(folder, port):
    config = write(f"{folder}/nsd.conf", f"""server:
  server-count: 1
  ip-address: 127.0.0.1@{port}
  port: {port}
  username: ""
  chroot: ""
  zonesdir: {folder}
  pidfile: {folder}/nsd.pid
  xfrdfile: {folder}/xfrd
  xfrdir: {folder}
  zonelistfile: {folder}/zones.list
  database: ""
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: {ORIGIN}
  zonefile: zone
""")
    return ["nsd", "-d", "-c", config]


def knot(folder, port):
    config = write(f"{folder}/knot.conf", f"""server:
  listen: 127.0.0.1@{port}
  rundir: {folder}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: {folder}/db
log:
  - target: stderr
    any: error
zone:
  - domain: {ORIGIN}
    storage: {folder}
    file: zone
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
    semantic-checks: off
""")
    return ["knotd", "-c", config]


def gdnsd(folder, port):
    os.makedirs(f"{folder}/etc/zones", exist_ok=True)
    shutil.copy(f"{folder}/zone", f"{folder}/etc/zones/{ORIGIN}")
    write(f"{folder}/etc/config", f"""options => {{
  listen => [ "127.0.0.1:{port}" ]
  udp_threads => 1
  tcp_threads => 1
  run_dir => "{folder}/run"
  state_dir => "{folder}/state"
}}
""")
    return ["gdnsd", "-c", f"{folder}/etc", "start"]


def powerdns(folder, port):
    write(f"{folder}/bind.conf", f'zone "{ORIGIN}" {{ type master; file "{folder}/zone"; }};\n')
    write(f"{folder}/pdns.conf", f"""launch=bind
bind-config={folder}/bind.conf
local-address=127.0.0.1
local-port={port}
receiver-threads=1
distributor-threads=1
socket-dir={folder}
setuid=
setgid=
webserver=no
loglevel=0
""")
    return ["pdns_server", f"--config-dir={folder}", "--guardian=no", "--daemon=no"]


def bind(folder, port):
    config = write(f"{folder}/named.conf", f"""options {{
  directory "{folder}";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion no;
  pid-file "{folder}/named.pid";
  session-keyfile "{folder}/session.key";
}};
controls {{ }};
zone "{ORIGIN}" {{ type master; file "{folder}/zone"; notify no; }};
""")
    return ["named", "-n", "1", "-f", "-c", config]


PEERS = {"gdnsd": ("gdnsd", gdnsd), "nsd": ("nsd", nsd), "knot": ("knotd", knot), "powerdns": ("pdns_server", powerdns),
         "bind": ("named", bind)}


class Server:
    """A running server."""

    def __init__(self, name, command, folder, port):
        self.name, self.port = name, port
        self.log = open(f"{folder}/log", "wb")
        self.begin, self.load_seconds = time.monotonic(), 0.0
        self.process = subprocess.Popen(["taskset", "-c", str(SERVER_CPU), *command], cwd=folder, stdout=self.log,
                                        stderr=self.log, stdin=subprocess.DEVNULL)

    def wait(self, question):
        """Waits for the first answer."""
        while ask(self.port, *question) is None:
            if self.process.poll() is not None or time.monotonic() - self.begin > 120:
                self.fail("does not answer")
            time.sleep(0.005)
        self.load_seconds = time.monotonic() - self.begin

    def fail(self, what):
        sys.exit(f"{self.name} {what}:\n" + open(self.log.name, errors="replace").read()[-2000:])

    def family(self):
        found, at = [self.process.pid], 0
        while at < len(found):
            for path in glob.glob(f"/proc/{found[at]}/task/*/children"):
                try:
                    found += [int(number) for number in open(path).read().split()]
                except OSError:
                    pass
            at += 1
        return found

    def cpu_seconds(self):
        if self.process.poll() is not None:
            self.fail("has ended")
        total = 0
        for pid in self.family():
            for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
                try:
                    total += int(open(path).read().split()[0])
                except OSError:
                    pass
        return total / 1e9

    def resident_mb(self):
        total = 0
        for pid in self.family():
            try:
                lines = open(f"/proc/{pid}/smaps_rollup").read().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total * 1024 / 1e6

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def packet(name, rtype, number):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    code = {"A": 1, "SOA": 6, "AAAA": 28, "SRV": 33}[rtype]
    return (struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 1) + labels + b"\0" + struct.pack(">HH", code, 1)
            + b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0))


def ask(port, name, rtype, patience=0.2):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(patience)
        try:
            client.sendto(packet(name, rtype, 7), ("127.0.0.1", port))
            answer = client.recv(4096)
        except OSError:
            return None
    return answer if answer[3] & 15 in (0, 3) else None


def probe(port, questions, until, waits):
    """Asks one question after the other, and notes how long each takes."""
    os.sched_setaffinity(0, {CLIENT_CPU})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect(("127.0.0.1", port))
        number = 0
        while not until.is_set():
            number = (number + 1) % 65_536
            begin = time.perf_counter()
            client.send(packet(*questions[number % len(questions)], number))
            try:
                while struct.unpack(">H", client.recv(4096)[:2])[0] != number:
                    pass
                waits.append(time.perf_counter() - begin)
            except OSError:
                waits.append(1.0)
            until.wait(0.002)


def measure(server, file, questions, seconds):
    """One round of one server: CPU seconds a query, queries a second, latencies, sizes."""
    before, until, waits = server.cpu_seconds(), threading.Event(), []
    prober = threading.Thread(target=probe, args=(server.port, questions[:1000], until, waits))
    prober.start()
    # Longer than the file: dnsperf begins it anew.
    run = subprocess.run(["taskset", "-c", str(CLIENT_CPU), "dnsperf", "-s", "127.0.0.1", "-p", str(server.port), "-d", file,
                          "-c", "16", "-q", "512", "-e", "-l", str(seconds)], capture_output=True, text=True, check=False)
    until.set()
    prober.join()
    spent = server.cpu_seconds() - before

    def told(pattern):
        found = re.search(pattern, run.stdout)
        return float(found[1]) if found else 0.0
    answered = told(r"Queries completed:\s+(\d+)") + len(waits)
    waits.sort()
    return {"cpu": spent / max(answered, 1) * 1e6, "qps": told(r"Queries per second:\s+([\d.]+)"),
            "lost": told(r"Queries lost:\s+(\d+)"), "size": told(r"Average packet size:.*response (\d+)"),
            "p50": waits[len(waits) // 2] * 1e3 if waits else 0, "p99": waits[len(waits) * 99 // 100] * 1e3 if waits else 0}


def start_servers(servers, arguments, folder, question, size):
    """Starts those of the wanted servers that are installed."""
    port = 5900
    for name in arguments.servers.split(","):
        port += 1
        own = f"{folder}/{name}"
        os.makedirs(own, exist_ok=True)
        shutil.copy(f"{folder}/zone", f"{own}/zone")
        if name == "echo":
            command = [arguments.echo, "--port", str(port), "--size", str(size)]
        elif name.startswith("understudy"):
            program = arguments.other if name.endswith("-other") else arguments.understudy
            command = understudy(own, port, program, "minimal" in name, 2 if "-two" in name else 1)
        elif shutil.which(PEERS[name][0], path=os.environ["PATH"] + ":/usr/sbin"):
            command = PEERS[name][1](own, port)
        else:
            print(f"{name} is not installed, and left out", file=sys.stderr)
            continue
        servers.append(Server(name, command, own, port))
        servers[-1].wait(question)


def middle(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def run_work(arguments, work):
    title, zone, queries = WORKS[work]
    questions = queries(random.Random(7))
    with tempfile.TemporaryDirectory(prefix="understudy-peers-") as folder:
        os.chmod(folder, 0o755)
        write(f"{folder}/zone", zone())
        file = write(f"{folder}/queries", "".join(f"{name} {rtype}\n" for name, rtype in questions))
        servers = []
        try:
            start_servers(servers, arguments, folder, questions[0], SIZES[work])
            rounds = {server.name: [] for server in servers}
            for _ in range(arguments.rounds):
                for server in servers:
                    rounds[server.name].append(measure(server, file, questions, arguments.seconds))
            print(f"\n{title}: {arguments.rounds} rounds of {arguments.seconds} s\n")
            print("| server | CPU µs a query | × echo | queries a second | p50 ms | p99 ms | lost | octets | MB | load s |")
            print("|---|---|---|---|---|---|---|---|---|---|")
            echo = rounds.get("echo")
            for server in servers:
                own = rounds[server.name]
                column = lambda key: [found[key] for found in own]
                ratio = middle([a["cpu"] / b["cpu"] for a, b in zip(own, echo)]) if echo else "-"
                print(f"| {server.name} | {middle(column('cpu'))} | {ratio} | {statistics.median(column('qps')):,.0f} | "
                      f"{statistics.median(column('p50')):.2f} | {statistics.median(column('p99')):.2f} | "
                      f"{sum(column('lost')):.0f} | {statistics.median(column('size')):.0f} | {server.resident_mb():.0f} | "
                      f"{server.load_seconds:.2f} |", flush=True)
        finally:
            for server in servers:
                server.stop()


# What understudy's answers have on average, so that the echo sends as many octets.
SIZES = {"hot": 118, "nxdomain": 103, "large": 161, "static": 67}


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--install", action="store_true", help="install the peers and dnsperf by apt-get")
    words.add_argument("--work", default="hot,nxdomain,large,static")
    words.add_argument("--rounds", type=int, default=9)
    words.add_argument("--seconds", type=float, default=2)
    words.add_argument("--servers", default="echo,understudy,understudy-minimal,gdnsd,nsd,knot")
    words.add_argument("--understudy", default=f"{HOUSE}/target/dist/understudy", help="the program that is measured")
    words.add_argument("--other", help="a second one, as server understudy-other")
    words.add_argument("--echo", help="the echo; by default the newest that cargo has built")
    arguments = words.parse_args()
    if arguments.install:
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES], check=True)
    if not arguments.echo:
        built = [path for path in glob.glob(f"{HOUSE}/target/release/deps/echo-*") if not path.endswith(".d")]
        arguments.echo = max(built, key=os.path.getmtime, default=None)
    for work in arguments.work.split(","):
        run_work(arguments, work)


main()
