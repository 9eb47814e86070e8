"""python -m sandbox: a local AWS whose instances really boot.

serve    run it until a signal ends it, and print its endpoint
image    build the machines' root image, if it is not there
demo     a training job under curfew, from launch to the end of the machine
mode     say which kind of machines can be had here, and why
"""

from __future__ import annotations

import argparse
import sys

from sandbox import demo, image, server
from sandbox.mode import detect


def main() -> int:
    if sys.argv[1:2] == ["demo"]:
        return demo.main(sys.argv[2:])
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run a sandbox")
    serve.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 (the default) takes a free one")
    serve.add_argument("--mode", choices=("auto", "booted", "lesser", "bare"), default="auto")
    serve.add_argument("--ready-file", help="written, as JSON, once it answers")
    serve.add_argument("--while-stdin", action="store_true", help="end when standard input does")
    commands.add_parser("image", help="build the root image")
    commands.add_parser("demo", help="see curfew at work (--help for its options)")
    commands.add_parser("mode", help="which machines can be had here")
    arguments = parser.parse_args()
    if arguments.command == "image":
        return image.main()
    if arguments.command == "mode":
        found = detect("auto")
        print(f"{found.name}: {found.why}")
        return 0
    return server.serve(arguments.port, arguments.mode, arguments.ready_file, arguments.while_stdin)


if __name__ == "__main__":
    sys.exit(main())
