"""The embedded engine's own process: llama.cpp's HTTP server on loopback, for as long as somebody uses it.

Started by `engine.py` only. It says where it listens in the state file, and nothing else to anybody: its log is off and its
output goes nowhere, because llama.cpp can print prompts. It imports no web framework.
"""

import os
import secrets
import sys
import time
from pathlib import Path
from typing import IO, Any

import msgspec
import xllamacpp

from chat.kernel import secret_files
from chat.providers.engine import EngineFiles, State, try_lock

_SLOTS = 4
_SILENT = -1
_LOOK_EVERY = 0.5
_ELECTION_SECONDS = 1.0


def main() -> None:
    folder, model, context = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    projector, sees_images = sys.argv[4], sys.argv[5] == "1"
    files = EngineFiles(folder)
    with files.alive.open("ab") as alive, files.users.open("ab") as users:
        if not _is_elected(alive):
            return
        files.state.unlink(missing_ok=True)
        key = secrets.token_urlsafe(32)
        server = xllamacpp.Server(_parameters(model, key, context, projector if sees_images else ""))
        port = int(server.listening_address.rsplit(":", 1)[1])
        state = State(port, key, os.getpid(), model, projector, sees_images)
        secret_files.replace(files.state, msgspec.json.encode(state).decode())
        while not try_lock(users, shared=False):
            time.sleep(_LOOK_EVERY)
        files.state.unlink(missing_ok=True)
        # The server's threads may be in the middle of an answer that nobody reads any more.
        os._exit(0)


def _is_elected(alive: IO[bytes]) -> bool:
    """Take the `alive` lock. Others glance at it by taking it for an instant, hence the patience."""
    by = time.monotonic() + _ELECTION_SECONDS
    while not try_lock(alive, shared=False):
        if time.monotonic() > by:
            return False
        time.sleep(0.01)
    return True


def _parameters(model: str, key: str, context: int, projector: str) -> Any:
    cores = os.cpu_count() or 1
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    # On the processor, like the model. `media_path` stays empty: nothing is read from a folder of media. What is no picture for
    # llama.cpp it takes for a film, and hands it to the ffprobe of this machine; it finds none here.
    parameters.mmproj.path = projector
    parameters.mmproj_use_gpu = False
    parameters.video_ffmpeg_bin_dir = os.devnull
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    # llama.cpp's threads wait for each other at each step. With as many as there are cores, one busy web worker made two
    # cores answer at 8-45 tokens a second instead of 160 (and at 1 with a lower priority); with one fewer it is 135, and 75.
    parameters.cpuparams.n_threads = max(1, cores - 1)
    parameters.cpuparams_batch.n_threads = cores
    parameters.cpuparams.poll = 0
    parameters.cpuparams_batch.poll = 0
    # Four people at once, who share twice the memory that one of them may need.
    parameters.n_parallel = _SLOTS
    parameters.kv_unified = True
    parameters.n_ctx = 2 * context
    parameters.warmup = False
    # No prompt stays in memory beyond its slot, and none can be asked for.
    parameters.cache_ram_mib = 0
    parameters.cache_idle_slots = False
    parameters.n_ctx_checkpoints = 0
    parameters.endpoint_slots = False
    parameters.endpoint_props = False
    # The same weights give embeddings too; a text is the mean of its tokens.
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    parameters.ui = False
    parameters.verbosity = _SILENT
    return parameters


if __name__ == "__main__":
    main()
