"""Run the command line: ``python -m deepfake_cli``."""

from deepfake_cli.cli._app import main

if __name__ == "__main__":
    main()
