DROP TABLE outbox_event;
