"""What the project's installation gives to a JupyterLab in the same environment, whoever starts it."""

import json
import os
import subprocess
import sys
import tomllib

from browsers import INSTALLED, ROOT

# Servers that say whose classes they took, and look at the socket over which a page of their own meets a kernel.
PROGRAM = """
import json, socket, sys
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.serverapp import ServerApp
from tornado.websocket import websocket_connect

async def sends_at_once(app):
    kernel = await app.kernel_manager.start_kernel()
    port = next(iter(app.http_server._sockets.values())).getsockname()[1]
    await websocket_connect(
        f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels?token={app.identity_provider.token}")
    (connection,) = app.kernel_websocket_connection_class._open_sockets
    stream = connection.websocket_handler.ws_connection.stream
    await app.kernel_manager.shutdown_kernel(kernel, now=True)
    return bool(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

for options in json.loads(sys.argv[1]):
    GatewayClient.clear_instance()
    app = ServerApp()
    app.initialize(["--ServerApp.ip=127.0.0.1", "--port=0", "--no-browser", "--allow-root", *options])
    print("said", app.contents_manager_class.__name__, app.kernel_websocket_connection_class.__name__,
          "" if options else app.io_loop.run_sync(lambda: sends_at_once(app)))
"""
OF_A_USER = ["--ServerApp.kernel_websocket_connection_class="
             "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection",
             "--ServerApp.contents_manager_class=jupyter_server.services.contents.largefilemanager.LargeFileManager"]


def test_messages_of_a_kernel_are_sent_at_once_unless_a_user_or_a_gateway_wants_it_otherwise(tmp_path):
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = {**os.environ, **own, "JUPYTER_CONFIG_PATH": str(INSTALLED), "PYTHONPATH": str(ROOT),
                   "IPYTHONDIR": str(tmp_path / "ipython")}
    options = json.dumps([[], OF_A_USER, ["--gateway-url=http://127.0.0.1:9"]])
    done = subprocess.run([sys.executable, "-c", PROGRAM, options], cwd=tmp_path, env=environment, text=True,
                          capture_output=True)
    assert [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("said")] == [
        ["Notebooks", "PromptConnection", "True"], ["LargeFileManager", "ZMQChannelsWebsocketConnection"],
        ["Notebooks", "GatewayWebSocketConnection"]], done.stderr[-2000:]


def test_an_installation_puts_each_file_where_jupyter_reads_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"] == {
        f"lstmlib/show/jupyter/{path.name}": {"jupyter_server_config.d": "etc/jupyter/jupyter_server_config.d"}.get(
            path.name, f"share/jupyter/{path.name}") for path in INSTALLED.iterdir()}
