"""Notebooks served with the pictures of their explorers where the kernel is gone.

JupyterLab saves, with each explorer, which live one stood there, and shows "Error displaying widget: model not found"
when the notebook is opened again and that one is gone. Started with

    jupyter lab --ServerApp.contents_manager_class=lstmlib.show.pictures.Notebooks

the server leaves this out when it reads a notebook that has no kernel, and JupyterLab shows the picture that is saved
beside it. A notebook whose kernel runs keeps its live explorers when the page is loaded again.
"""

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Notebooks(AsyncLargeFileManager):
    """The files of the server's folder."""

    async def get(self, path, content=True, *args, **options):
        model = await super().get(path, content, *args, **options)
        if content and model["type"] == "notebook" and not await self.has_kernel(path):
            leave_out_lost_views(model["content"])
        return model

    async def has_kernel(self, path):
        sessions = await self.parent.session_manager.list_sessions()
        return any(session["path"] == path.strip("/") for session in sessions)


def leave_out_lost_views(notebook):
    """Take the reference to a live widget out of every output that has a picture to show instead of it."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output["data"].pop(WIDGET_VIEW, None)
