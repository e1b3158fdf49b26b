"""Cassandra of the stack: one node of data centre datacenter1."""

from __future__ import annotations

from pathlib import Path

from deploy.local.environment import write_private
from deploy.local.kafka import java, kept_inside
from deploy.local.layout import Layout, StackError

JVM_OPTIONS = [
    "-Xms512m",
    "-Xmx768m",
    "-Xss256k",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.net.preferIPv4Stack=true",
    "-Djdk.attach.allowAttachSelf=true",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dcassandra.ring_delay_ms=1000",
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra-foreground=yes",
    # The first superuser would only come ten seconds after the start.
    "-Dcassandra.superuser_setup_delay_ms=0",
    # Hashing slowly protects guessable passwords; these are 256 random bits, and every connection hashes twice.
    "-Dcassandra.auth_bcrypt_gensalt_log2_rounds=4",
]
# Cassandra 5.0 on Java 17 reaches into these packages of the JDK; without them it does not start.
EXPORTS = [
    "java.base/jdk.internal.misc",
    "java.base/java.lang.ref",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.management/com.sun.jmx.remote.security",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "jdk.unsupported/sun.misc",
    "jdk.compiler/com.sun.tools.javac.file",
    "jdk.attach/sun.tools.attach",
]
OPENS = [
    "java.base/java.lang.module",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.reflect",
    "java.base/java.nio",
    "java.base/java.util",
    "jdk.management/com.sun.management.internal",
    "jdk.compiler/com.sun.tools.javac",
]

CONFIGURATION = """cluster_name: countinghouse-{name}
num_tokens: 8
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "127.0.0.1:{storage}"
listen_address: 127.0.0.1
rpc_address: 127.0.0.1
storage_port: {storage}
native_transport_port: {cql}
start_native_transport: true
# A write is acknowledged after the commit log is on disk: with `periodic` acknowledged payments were lost.
commitlog_sync: batch
commitlog_segment_size: 16MiB
commitlog_total_space: 512MiB
memtable_heap_space: 128MiB
memtable_offheap_space: 64MiB
file_cache_size: 64MiB
key_cache_size: 16MiB
concurrent_reads: 16
concurrent_writes: 16
auto_snapshot: false
authenticator:
  class_name: PasswordAuthenticator
authorizer:
  class_name: CassandraAuthorizer
role_manager:
  class_name: CassandraRoleManager
dynamic_data_masking_enabled: true
"""

LOGBACK = """<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%date{ISO8601} %-5level [%thread] %logger{0} %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
  <logger name="org.apache.cassandra.service.CassandraDaemon" level="INFO"/>
</configuration>
"""


def folder_of(layout: Layout) -> Path:
    return layout.home / "cassandra"


def prepare(layout: Layout) -> None:
    """Write the configuration; the node makes its data folders itself."""
    configuration = folder_of(layout) / "conf"
    configuration.mkdir(parents=True, exist_ok=True)
    storage, cql = layout.port("cassandra storage"), layout.port("cassandra cql")
    write_private(configuration / "cassandra.yaml", CONFIGURATION.format(name=layout.name, storage=storage, cql=cql))
    write_private(configuration / "logback.xml", LOGBACK)


def quick_start(layout: Layout) -> list[str]:
    """The test stack starts anew with every run, so it compiles quickly; the dev stack keeps its full speed."""
    return ["-XX:TieredStopAtLevel=1"] if layout.name == "test" else []


def server_command(layout: Layout) -> list[str]:
    """The JVM's command; jamm, which arrives with the jars, must be its agent."""
    folder, jars = folder_of(layout), layout.jars / "cassandra"
    agents = sorted(jars.glob("jamm-*.jar"))
    if not agents:
        raise StackError(f"Cassandra's jars are not in {jars}: run `make setup`")
    doors = [part for package in EXPORTS for part in ("--add-exports", f"{package}=ALL-UNNAMED")]
    doors += [part for package in OPENS for part in ("--add-opens", f"{package}=ALL-UNNAMED")]
    places = [
        f"-Dcassandra.config=file://{folder}/conf/cassandra.yaml",
        f"-Dcassandra.storagedir={folder}",
        f"-Dcassandra.jmx.local.port={layout.port('cassandra jmx')}",
    ]
    class_path = ["-cp", f"{folder}/conf:{jars}/*"]
    daemon = "org.apache.cassandra.service.CassandraDaemon"
    return [
        java(),
        *JVM_OPTIONS,
        *kept_inside(layout),
        *quick_start(layout),
        f"-javaagent:{agents[-1]}",
        *doors,
        *places,
        *class_path,
        daemon,
    ]
