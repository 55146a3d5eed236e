"""The book's own server: parts of files, and a port that is taken (tools/serve.py)."""

import asyncio
import socket

import serve
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets


def test_a_player_may_seek(tmp_path):
    (tmp_path / "sound.flac").write_bytes(bytes(range(100)))
    (tmp_path / "index.html").write_text("the book")

    async def ask():
        server = HTTPServer(serve.application(tmp_path))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        address = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/"
        client = AsyncHTTPClient(force_instance=True)
        part = await client.fetch(address + "sound.flac", headers={"Range": "bytes=40-49"})
        whole = await client.fetch(address)
        client.close()
        server.stop()
        return part, whole

    part, whole = asyncio.run(ask())
    assert (part.code, part.body) == (206, bytes(range(40, 50)))
    assert part.headers["Content-Range"] == "bytes 40-49/100"
    assert (whole.code, whole.body) == (200, b"the book")


def test_a_port_in_use_gets_one_line(tmp_path, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert serve.main([str(tmp_path), "--port", str(port)]) == 1
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert f"Port {port} cannot be used" in told.err and f"make serve PORT={port + 1}" in told.err
