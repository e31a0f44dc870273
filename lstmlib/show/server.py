"""What the notebooks ask of the server: pictures where a kernel is gone, and no wait between messages.

The project's installation enables this module as an extension of jupyter_server (jupyter/jupyter_server_config.d), so
that every JupyterLab started in the same environment has it. It takes the place of jupyter_server's own classes only:
those of a gateway, of a hub or of a user's configuration stay.
"""

import secrets

from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from traitlets import default, validate


def _jupyter_server_extension_points():
    return [{"module": __name__}]


def _link_jupyter_server_extension(server):
    """Before the server is set up."""
    if server.contents_manager_class is AsyncLargeFileManager:
        server.contents_manager_class = Notebooks
    configured = "kernel_websocket_connection_class" in server.config.ServerApp
    if not (configured or GatewayClient.instance(parent=server).gateway_enabled):
        server.kernel_websocket_connection_class = PromptConnection


def _load_jupyter_server_extension(server):
    """Nothing is left to do once it is set up."""


class Notebooks(AsyncLargeFileManager):
    """The files of the server's folder, each notebook with the pictures of its explorers where its kernel is gone.

    JupyterLab saves with each explorer which live one stood there, and shows "Error displaying widget: model not
    found" when that one is gone. This leaves it out of a notebook that no kernel runs, and JupyterLab shows the picture
    that is saved beside it.
    """

    async def get(self, path, content=True, *args, **options):
        model = await super().get(path, content, *args, **options)
        if content and model["type"] == "notebook":
            sessions = await self.parent.session_manager.list_sessions()
            if not any(session["path"] == path.strip("/") for session in sessions):
                for cell in model["content"]["cells"]:
                    for output in cell.get("outputs", []):
                        if "text/html" in output.get("data", {}):  # a picture to show instead of a live widget
                            output["data"].pop("application/vnd.jupyter.widget-view+json", None)
        return model


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Sends each of a kernel's messages to the page at once, not when it has acknowledged the one before.

    That would take about 40 ms, and one movement of a slider is answered by five messages (docs/upstream-nodelay.md).
    """

    def connect(self):
        self.websocket_handler.set_nodelay(True)
        return super().connect()


class TokenProvider(IdentityProvider):
    """Asks for a token, whatever the user's configuration says: none is empty, and no password stands in for it."""

    @default("token")
    def _token_default(self):
        token = super()._token_default()
        self.token_generated = self.token_generated or not token  # then JupyterLab shows it with the address
        return token or secrets.token_hex(24)

    @validate("token")
    def _never_empty(self, proposal):
        return proposal["value"] or self._token_default()
