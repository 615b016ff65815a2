-- The tables of a local hub. Times are microseconds since 1970 (UTC), payloads JSON text in ASCII, statuses the service's numbers.
-- `PRAGMA application_id` says that a file is a hub, `PRAGMA user_version` which version of this schema it has.

-- A live worker: whoever holds its lock file. What it works on carries its key, which is never used twice.
CREATE TABLE workers (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  lock_file TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  about TEXT NOT NULL
);

CREATE TABLE instances (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL COLLATE NOCASE,
  version TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  generation INTEGER,
  status INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  custom_status TEXT,
  output TEXT,
  parent INTEGER,
  parent_execution TEXT,
  parent_task INTEGER,
  root INTEGER,
  worker INTEGER,
  tags TEXT -- a JSON object of texts; NULL where a client gave none
);
CREATE INDEX instances_by_creation ON instances (created_at, key);
CREATE INDEX instances_not_completed ON instances (status, created_at) WHERE status <> 1;
CREATE INDEX instances_held ON instances (worker) WHERE worker IS NOT NULL;
CREATE INDEX instances_by_parent ON instances (parent) WHERE parent IS NOT NULL;

-- Apart, so that a change of state does not write a large input again.
CREATE TABLE inputs (
  instance INTEGER PRIMARY KEY,
  input TEXT NOT NULL
);

-- One row an episode of the current execution. A second worker that commits the same episode fails on the key.
CREATE TABLE history (
  instance INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  at INTEGER NOT NULL,
  events TEXT NOT NULL,
  PRIMARY KEY (instance, sequence)
) WITHOUT ROWID;

-- What an instance still has to see. A timer is a row that becomes visible when it is due; everything else is visible at 0, in order of key.
-- An event of NULL starts the current execution. `execution_id` is NULL for what any execution may see.
CREATE TABLE inbox (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  instance INTEGER NOT NULL,
  visible_at INTEGER NOT NULL,
  at INTEGER NOT NULL,
  event TEXT,
  execution_id TEXT,
  timer INTEGER
);
CREATE INDEX inbox_by_time ON inbox (visible_at, key);
CREATE INDEX inbox_by_instance ON inbox (instance);

CREATE TABLE activities (
  instance INTEGER NOT NULL,
  task_id INTEGER NOT NULL,
  execution_id TEXT NOT NULL,
  name TEXT NOT NULL COLLATE NOCASE,
  input TEXT,
  scheduled_at INTEGER NOT NULL,
  worker INTEGER,
  leased_at INTEGER, -- NULL: by the commit that scheduled it, if it is leased
  PRIMARY KEY (instance, task_id)
) WITHOUT ROWID;
CREATE INDEX activities_waiting ON activities (scheduled_at, instance, task_id) WHERE worker IS NULL;
CREATE INDEX activities_held ON activities (worker) WHERE worker IS NOT NULL;

-- The state of an entity, whose instance is Running for ever.
CREATE TABLE entities (
  instance INTEGER PRIMARY KEY,
  state TEXT,
  locked_by TEXT,
  operated_at INTEGER NOT NULL
);

-- One row: a name made at random with the file. Payloads carry it, so that the hub knows those that it wrote.
CREATE TABLE hub (id TEXT NOT NULL);
INSERT INTO hub VALUES (lower(hex(randomblob(8))));
