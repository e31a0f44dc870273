"""What the project's installation gives to a JupyterLab in the same environment, whoever starts it."""

import json
import os
import subprocess
import sys

from browsers import INSTALLED, ROOT

PROGRAM = """
import json, sys
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.serverapp import ServerApp

for options in json.loads(sys.argv[1]):
    GatewayClient.clear_instance()
    app = ServerApp()
    app.initialize(["--port=0", "--no-browser", "--allow-root", *options])
    print("said", app.contents_manager_class.__name__, app.kernel_websocket_connection_class.__name__)
"""
OF_A_USER = ["--gateway-url=http://127.0.0.1:9",
             "--ServerApp.contents_manager_class=jupyter_server.services.contents.largefilemanager.LargeFileManager"]


def test_a_server_takes_the_classes_of_the_project_unless_a_gateway_or_a_user_has_others(tmp_path):
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = {**os.environ, **own, "JUPYTER_CONFIG_PATH": str(INSTALLED), "PYTHONPATH": str(ROOT),
                   "IPYTHONDIR": str(tmp_path / "ipython")}
    done = subprocess.run([sys.executable, "-c", PROGRAM, json.dumps([[], OF_A_USER])], cwd=tmp_path, env=environment,
                          text=True, capture_output=True)
    assert [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("said")] == [
        ["Notebooks", "PromptConnection"], ["LargeFileManager", "GatewayWebSocketConnection"]], done.stderr[-2000:]
