"""The environment, read once and loudly: the only module that touches os.environ for settings."""

from pathlib import Path

import environ

PROJECT_ROOT = Path(__file__).resolve().parent.parent

env = environ.Env()

# Real environment variables win over the file. ENV_FILE names the file; without it the local development stack's
# file is read when it is there, so that manage.py works right after `make setup` and a container needs no file at all.
env_file = Path(env.str("ENV_FILE", default=str(PROJECT_ROOT / ".local" / "dev" / "env")))
if env_file.is_file():
    env.read_env(str(env_file))
elif "ENV_FILE" in env.ENVIRON:
    raise FileNotFoundError(f"ENV_FILE names {env_file}, which is not a file: run `make setup` or correct ENV_FILE")
