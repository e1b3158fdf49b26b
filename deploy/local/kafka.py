"""Kafka of the stack: one KRaft node that is broker and controller."""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from pathlib import Path

from deploy.local.environment import child_environment, write_private
from deploy.local.layout import Layout, StackError

LOG4J2 = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders>
    <Console name="out"><PatternLayout pattern="%d{ISO8601} %-5p %c{1} %m%n"/></Console>
  </Appenders>
  <Loggers>
    <Root level="WARN"><AppenderRef ref="out"/></Root>
    <Logger name="kafka.server.KafkaRaftServer" level="INFO"/>
  </Loggers>
</Configuration>
"""
JVM_OPTIONS = [
    "-Xms128m",
    "-Xmx320m",
    "-XX:+UseSerialGC",
    # The quick compiler alone halves the processor time of a start, and a single local broker is never the limit.
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
]


def folder_of(layout: Layout) -> Path:
    return layout.home / "kafka"


def java() -> str:
    program = shutil.which("java")
    if program is None:
        raise StackError("Java 17 is not installed (java not found): run `make setup`")
    return program


def kept_inside(layout: Layout) -> list[str]:
    """Options that keep a JVM's unpacked libraries and performance file out of the system's temporary folder."""
    return ["-XX:-UsePerfData", f"-Djava.io.tmpdir={layout.run}", f"-Djna.tmpdir={layout.run}"]


def prepare(layout: Layout) -> None:
    """Write the configuration and format the log directory on first use."""
    folder = folder_of(layout)
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    write_private(folder / "log4j2.xml", LOG4J2)
    write_private(folder / "kafka.properties", properties(layout))
    if not (folder / "data" / "meta.properties").exists():
        format_storage(layout)


def properties(layout: Layout) -> str:
    """The broker's configuration: no topic appears by accident, a killed consumer is replaced in 10 s instead of 45."""
    broker, controller = layout.port("kafka"), layout.port("kafka controller")
    values = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(folder_of(layout) / "data"),
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.consumer.min.session.timeout.ms": "6000",
        "group.consumer.session.timeout.ms": "10000",
        "group.consumer.min.heartbeat.interval.ms": "1000",
        "group.consumer.heartbeat.interval.ms": "2000",
        "log.retention.hours": "168",
        "log.segment.bytes": "134217728",
        # The cleaner's default buffer of 128 MiB is more than this heap has to spare.
        "log.cleaner.dedupe.buffer.size": "16777216",
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())


def format_storage(layout: Layout) -> None:
    """Give the log directory a cluster id; an already formatted directory is left alone."""
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # The tool takes an argument that begins with a dash for an option.
    cluster_id = "A" + cluster_id[1:]
    tool = [java(), "-XX:TieredStopAtLevel=1", "-cp", f"{layout.jars / 'kafka'}/*", "kafka.tools.StorageTool", "format"]
    command = [*tool, "-g", "-t", cluster_id, "-c", str(folder_of(layout) / "kafka.properties")]
    done = subprocess.run(
        command, env=child_environment(layout), capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        raise StackError(f"Kafka's storage could not be formatted: {(done.stderr or done.stdout).strip()}")


def server_command(layout: Layout) -> list[str]:
    folder = folder_of(layout)
    logging = [f"-Dlog4j2.configurationFile={folder / 'log4j2.xml'}", f"-Dkafka.logs.dir={folder / 'logs'}"]
    return [
        java(),
        *JVM_OPTIONS,
        *kept_inside(layout),
        *logging,
        "-cp",
        f"{layout.jars / 'kafka'}/*",
        "kafka.Kafka",
        str(folder / "kafka.properties"),
    ]
