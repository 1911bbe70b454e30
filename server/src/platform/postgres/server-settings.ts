// How the embedded server is set up: for two cores, durable, silent about data. Given on the command line and not in
// postgresql.conf, so that a newer Mandate brings its own to an older cluster.

/** Command-line options of the server. `isDurable: false` gives up every guarantee and is for test clusters only. */
export function serverSettings(isDurable: boolean): readonly string[] {
  const values: Readonly<Record<string, string | number>> = {
    listen_addresses: '',
    unix_socket_permissions: '0700',
    password_encryption: 'scram-sha-256',
    max_connections: 100,
    shared_buffers: '128MB',
    // On two cores parallel workers only take turns, and they need more of /dev/shm than containers give (64 MB).
    max_parallel_workers_per_gather: 0,
    jit: 'off',
    // Online backups (pg_backup_start) need it; nothing replicates from an embedded server.
    wal_level: 'replica',
    max_wal_senders: 0,
    max_replication_slots: 0,
    max_logical_replication_workers: 0,
    min_wal_size: '80MB',
    max_wal_size: '512MB',
    checkpoint_timeout: '10min',
    // A session whose Mandate was killed lets go of its locks within a second, also while it waits or computes.
    client_connection_check_interval: '1s',
    // Rows and statements may hold what nobody should read in a log: the sentence of an error is enough.
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    ...(isDurable
      ? {}
      : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', autovacuum: 'off' }),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
