"""Failpoints: tests kill a process at a chosen place. Two variables, so that no typo in one kills production."""

from core import failpoints
from core.env import env

ALLOW_FAILPOINTS = env.bool("ALLOW_FAILPOINTS", default=False)
FAILPOINT = env.str("FAILPOINT", default="")

if ALLOW_FAILPOINTS and FAILPOINT:
    failpoints.arm(FAILPOINT)
