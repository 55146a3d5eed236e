"""Serve the built book on this machine: `python tools/serve.py _build/html --port 8000`.

With ranges, which Python's own http.server lacks: without them a plain player that is dragged
starts again at its beginning.
"""

import argparse
import asyncio
import functools
import http.server
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, StaticFileHandler


class _Fresh(StaticFileHandler):
    """Asked for again each time, so that a book built anew is seen."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")


def application(folder: Path) -> Application:
    """The pages of a folder; index.html where a folder is asked for."""
    place = {"path": str(folder), "default_filename": "index.html"}
    return Application([(r"/(.*)", _Fresh, place)])


async def serve(folder: Path, port: int) -> None:
    """Serve until this is cancelled; OSError where the port is taken."""
    HTTPServer(application(folder)).add_sockets(bind_sockets(port, "127.0.0.1"))
    print(f"The book is on http://localhost:{port}  (stop with Ctrl-C)", flush=True)
    await asyncio.Event().wait()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def plainly(folder: str | Path) -> Iterator[str]:
    """A folder's address while a thread serves it, without ranges: what pages can live with."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(argv)
    try:
        asyncio.run(serve(options.folder, options.port))
    except OSError as error:
        print(
            f"Port {options.port} cannot be used ({error.strerror or error}): "
            f"make serve PORT={options.port + 1}",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
