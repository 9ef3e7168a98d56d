"""What else can stand between the load and the provider, on the same core as Candor: limits to compare it with.

A bare relay copies bytes: no session, no form, no limits, no events of its own, no meter. nginx shows what the machine does at
most, the one of gevent what Python's sockets do. LiteLLM's proxy is a gateway that people use: it parses and writes each event.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.servers import free_port

_NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/a; uwsgi_temp_path {folder}/b; scgi_temp_path {folder}/c;
  upstream provider {{ server 127.0.0.1:{provider}; keepalive 512; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""
_GEVENT = """
import sys
from gevent import socket
from gevent.server import StreamServer

def relay(client, _address):
    provider = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    provider.sendall(client.recv(65536))
    while data := provider.recv(65536):
        client.sendall(data)
        if data.endswith(b"0\\r\\n\\r\\n"):
            break
    client.close()
    provider.close()

StreamServer(("127.0.0.1", int(sys.argv[1])), relay, backlog=2048).serve_forever()
"""
_LITELLM = ("litellm[proxy]",)


class Relay:
    """A running relay: where it listens, and its processes."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], path: str = "/v1/chat/completions") -> None:
        self.port = port
        self.path = path
        self._process = process

    def memory(self) -> float:
        """Memory of its processes in MB (PSS)."""
        main = psutil.Process(self._process.pid)
        return float(sum(one.memory_full_info().pss for one in (main, *main.children(recursive=True))) / 2**20)


@contextmanager
def nginx(provider: int, folder: Path) -> Iterator[Relay | None]:
    """Run nginx as a plain relay, where it is installed."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        yield None
        return
    port = free_port()
    settings = folder / "nginx.conf"
    settings.write_text(_NGINX.format(folder=folder, provider=provider, port=port))
    with _run(port, [program, "-c", str(settings), "-e", str(folder / "error.log")]) as relay:
        yield relay


@contextmanager
def gevent(provider: int) -> Iterator[Relay]:
    """Run the least that relays with gevent."""
    port = free_port()
    with _run(port, [sys.executable, "-c", _GEVENT, str(port), str(provider)]) as relay:
        yield relay


@contextmanager
def litellm(provider: int, folder: Path, environment: Path) -> Iterator[Relay]:
    """Run LiteLLM's proxy with one worker and no database, out of a virtual environment that is made if it is missing."""
    program = environment / "bin" / "litellm"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([str(environment / "bin" / "pip"), "install", "--quiet", *_LITELLM], check=True)
    port = free_port()
    model = {"model": "openai/slow", "api_base": f"http://127.0.0.1:{provider}/v1", "api_key": "none"}
    settings = folder / "litellm.json"  # JSON is YAML too
    settings.write_text(json.dumps({"model_list": [{"model_name": "slow", "litellm_params": model}]}))
    command = [str(program), "--config", str(settings), "--port", str(port), "--host", "127.0.0.1", "--num_workers", "1"]
    # Nothing of this process's environment: it takes settings from there, and its list of prices from the network.
    own = {"PATH": f"{environment / 'bin'}:/usr/bin:/bin", "HOME": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    own["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"  # one thing less for it to do
    with _run(port, command, own) as relay:
        yield relay


@contextmanager
def _run(port: int, command: list[str], environment: dict[str, str] | None = None) -> Iterator[Relay]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        _wait_until_open(port, process)
        yield Relay(port, process)
    finally:
        process.terminate()
        process.wait()


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not any(one.laddr.port == port for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"{process.args!r} does not listen")
        time.sleep(0.1)
