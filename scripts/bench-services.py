#!/usr/bin/env python3
"""Measures what the engine costs: scripts/bench-services.py [path of runyard]

Services: 200 declared ones with an HTTP and a TCP probe every 10 s, from the start of the server until
all are ready, then the server's CPU and memory at rest. Queue: 1,000 jobs of `true` on 8 slots, from
the first request until the last has ended. Linux, loopback, a folder of its own; needs nothing but
Python 3.
"""

import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SERVICES = 200
JOBS = 1_000
SLOTS = 8
CLIENTS = 16
REST_S = 60


class Answer(http.server.BaseHTTPRequestHandler):
    """What all probes ask: it is not what is measured."""

    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Target(http.server.ThreadingHTTPServer):
    request_queue_size = 1_024
    daemon_threads = True


class Runyard:
    def __init__(self, binary, folder, toml):
        self.folder = pathlib.Path(folder)
        project = self.folder / "project"
        project.mkdir()
        (project / "package.json").write_text('{"name": "bench", "scripts": {"t": "true"}}')
        (project / "runyard.toml").write_text(toml)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        data = ["--data", str(self.folder / "data")]
        env = {"PATH": os.environ["PATH"]}
        self.begun = time.monotonic()
        listen = ["--listen", f"127.0.0.1:{self.port}"]
        self.server = subprocess.Popen(
            [binary, *listen, *data], cwd=project, env=env, stdout=subprocess.PIPE, text=True
        )
        if not re.match("open http", self.server.stdout.readline()):
            raise SystemExit("the server did not start")
        make = [binary, "token", "create", "--name", "bench", "--ttl", "1h", *data]
        token = subprocess.run(make, cwd=project, env=env, check=True, capture_output=True, text=True)
        self.headers = {"Authorization": f"Bearer {token.stdout.strip()}"}

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port)

    def ask(self, method, path, body=None, connection=None):
        connection = connection or self.connect()
        headers = {**self.headers, "Content-Type": "application/json"}
        connection.request(method, path, body and json.dumps(body), headers)
        return json.loads(connection.getresponse().read() or "null")

    def processes(self):
        return self.ask("GET", "/api/processes?limit=1000")["processes"]

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.server.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1_024

    def end(self):
        self.ask("POST", "/api/declared/stop")
        self.server.send_signal(signal.SIGTERM)
        self.server.wait()
        keeper = int((self.folder / "data/keeper.pid").read_text())
        os.kill(keeper, signal.SIGTERM)


def measure_services(binary):
    target = Target(("127.0.0.1", 0), Answer)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    port = target.server_address[1]
    one = f"""
[process.s%03d]
command = ["sleep", "100000"]
type = "long-running"
autostart = true
ready = {{ http = "http://127.0.0.1:{port}/", period_s = 10 }}
alive = {{ tcp = "127.0.0.1:{port}", period_s = 10 }}
"""
    toml = f"[limits]\nmax_services = {SERVICES}\n" + "".join(one % n for n in range(SERVICES))
    with tempfile.TemporaryDirectory() as folder:
        runyard = Runyard(binary, folder, toml)
        while sum(process["ready"] is True for process in runyard.processes()) < SERVICES:
            time.sleep(0.05)
        print(f"{SERVICES} services up and ready: {time.monotonic() - runyard.begun:.2f} s")
        time.sleep(10)
        before, begin = runyard.cpu_s(), time.monotonic()
        time.sleep(REST_S)
        share = (runyard.cpu_s() - before) / (time.monotonic() - begin)
        print(f"server at rest over {REST_S} s: {share:.2%} of a core, {runyard.rss_mib():.0f} MiB")
        runyard.end()


def measure_queue(binary):
    toml = (
        f"[pools]\nq = {SLOTS}\n[limits]\nstarts_per_minute = 1000000\n[run]\nrunner = \"native\"\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        runyard = Runyard(binary, folder, toml)
        left = iter(range(JOBS))
        lock = threading.Lock()

        def client():
            connection = runyard.connect()
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                body = {"scriptName": "t", "strategy": {"pool": "q"}}
                runyard.ask("POST", "/api/processes", body, connection)

        begin = time.monotonic()
        clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        while any(pool["used"] or pool["waiting"] for pool in runyard.ask("GET", "/api/pools")["pools"]):
            time.sleep(0.02)
        took = time.monotonic() - begin
        ended = sum(process["status"] == "completed" for process in runyard.processes())
        assert ended == JOBS, f"{ended} of {JOBS} completed"
        print(f"{JOBS} jobs on {SLOTS} slots: {took:.2f} s, {JOBS / took:.0f} runs/s")
        runyard.end()


def main():
    binary = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/release/runyard")
    measure_queue(binary)
    measure_services(binary)


main()
