DROP TABLE outbox_parked, outbox_relay_instance, outbox_lane;
