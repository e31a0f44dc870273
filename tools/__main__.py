"""What run.py hands on to, in the environment that it makes: python tools COMMAND [arguments]."""

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    command, *arguments = sys.argv[1:]
    try:
        tool = import_module(f"tools.{command}")
    except ModuleNotFoundError as missing:
        raise SystemExit(f"This needs the package {missing.name}: start with `python run.py {command}`, or install "
                         'the extras with `pip install -c constraints.txt -e ".[handout,lab,test]"`.') from None
    sys.exit(tool.main(arguments))
