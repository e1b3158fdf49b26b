#!/usr/bin/env python
"""Django's command line for Countinghouse."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    # A command's output is its result, which others read; what it logs must not stand in it.
    os.environ.setdefault("LOG_STREAM", "stderr")
    try:
        execute_from_command_line(sys.argv)
    except BrokenPipeError:
        # The reader has seen enough: `manage.py ledger verify | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
