"""What run.py hands on to, in the environment that it makes: python tools COMMAND [arguments]."""

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
command, *arguments = sys.argv[1:]
sys.exit(import_module(f"tools.{command}").main(arguments))
