"""What the project's installation gives to a JupyterLab in the same environment, whoever starts it."""

import json
import os
import subprocess
import sys
import tomllib

from browsers import INSTALLED, ROOT

SHARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
    "wheel"]["shared-data"]

# A server that looks, from within, at the socket over which a page of its own is connected with a kernel.
PROGRAM = """
import json, socket, sys
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.serverapp import ServerApp
from tornado.websocket import websocket_connect

async def look(app):
    kernel = await app.kernel_manager.start_kernel()
    port = next(iter(app.http_server._sockets.values())).getsockname()[1]
    address = f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels?token={app.identity_provider.token}"
    page = await websocket_connect(address)
    open_sockets = app.kernel_websocket_connection_class._open_sockets  # those of earlier servers are closed later
    (connection,) = [one for one in open_sockets if one.kernel_id == kernel]
    stream = connection.websocket_handler.ws_connection.stream
    nodelay = bool(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    page.close()
    await app.kernel_manager.shutdown_kernel(kernel, now=True)
    return nodelay

for options in json.loads(sys.argv[1]):
    GatewayClient.clear_instance()
    app = ServerApp()
    app.initialize(["--ServerApp.ip=127.0.0.1", "--port=0", "--no-browser", "--allow-root", *options])
    names = app.contents_manager_class.__name__, app.kernel_websocket_connection_class.__name__
    print("said", *names, "Gateway" in names[1] or app.io_loop.run_sync(lambda: look(app)))
"""
USUAL = "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection"


def test_messages_of_a_kernel_are_sent_at_once_unless_a_user_or_a_gateway_wants_it_otherwise(tmp_path):
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = {**os.environ, **own, "JUPYTER_CONFIG_PATH": str(INSTALLED), "PYTHONPATH": str(ROOT),
                   "IPYTHONDIR": str(tmp_path / "ipython")}
    of_a_user = [f"--ServerApp.kernel_websocket_connection_class={USUAL}",
                 "--ServerApp.contents_manager_class=jupyter_server.services.contents.largefilemanager.LargeFileManager"]
    options = json.dumps([[], of_a_user, ["--gateway-url=http://127.0.0.1:9"]])
    done = subprocess.run([sys.executable, "-c", PROGRAM, options], cwd=tmp_path, env=environment, text=True,
                          capture_output=True)
    assert [line for line in done.stdout.splitlines() if line.startswith("said")] == [
        "said Notebooks PromptConnection True", f"said LargeFileManager {USUAL.rpartition('.')[2]} False",
        "said Notebooks GatewayWebSocketConnection True"], done.stderr[-2000:]


def test_an_installation_puts_each_file_where_jupyter_reads_it():
    assert {source.removeprefix("lstmlib/show/jupyter/"): place for source, place in SHARED.items()} == {
        "jupyter_server_config.d": "etc/jupyter/jupyter_server_config.d", "lab": "share/jupyter/lab",
        "labextensions": "share/jupyter/labextensions"}
    assert {f"lstmlib/show/jupyter/{path.name}" for path in INSTALLED.iterdir()} == set(SHARED)
