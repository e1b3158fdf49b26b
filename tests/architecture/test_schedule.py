"""What beat hints is known to the worker that is to do it."""

from workers.celery import app
from workers.schedule import BEAT_SCHEDULE


def unknown_tasks(schedule: dict[str, dict[str, object]]) -> list[str]:
    """Names in the schedule that no task has; a worker would drop such a hint with a line in its log."""
    app.loader.import_default_modules()
    return sorted({str(entry["task"]) for entry in schedule.values()} - set(app.tasks))


def test_every_task_of_the_schedule_is_registered():
    assert unknown_tasks(BEAT_SCHEDULE) == []
    assert unknown_tasks({**BEAT_SCHEDULE, "tea": {"task": "kitchen.make_tea"}}) == ["kitchen.make_tea"]
