// The schemas of attune.db and run.db, as numbered migrations. A list only ever grows at its end: what stands
// here has been written to somebody's disk.
#include "config.h"

#include <stddef.h>

#include "store/sql.h"

static const char *const store_migrations[] = {
    // 1: runs with their settings (JSON), and what people ask of them
    "CREATE TABLE runs("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE COLLATE NOCASE," // a folder name, also on disks that ignore case
    "  objective TEXT NOT NULL,"
    "  model TEXT NOT NULL,"
    "  data TEXT NOT NULL,"
    "  settings TEXT NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  note TEXT NOT NULL DEFAULT '',"
    "  hidden INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE controls("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," // never used twice: engines remember the last one they applied
    "  run INTEGER NOT NULL REFERENCES runs(id),"
    "  at_ms INTEGER NOT NULL,"
    "  kind INTEGER NOT NULL," // enum control_kind
    "  key TEXT NOT NULL DEFAULT '',"
    "  value TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX controls_of_run ON controls(run, id);",
    // 2: what people judged, with the texts they saw (labels.h), and every judgement that was ever given
    "CREATE TABLE pairs_judged("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  run INTEGER REFERENCES runs(id), number INTEGER," // the run's pair; both NULL: a pair that a person brought
    "  hash TEXT NOT NULL,"                              // of the texts
    "  prompt TEXT NOT NULL, turns TEXT NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL,"
    "  step INTEGER NOT NULL, model TEXT NOT NULL, at_ms INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX pairs_of_run ON pairs_judged(run, number, hash) WHERE run IS NOT NULL;"
    "CREATE UNIQUE INDEX pairs_brought ON pairs_judged(hash) WHERE run IS NULL;"
    "CREATE TABLE judgements("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," // readers remember the last one they read
    "  pair INTEGER NOT NULL REFERENCES pairs_judged(id),"
    "  run INTEGER REFERENCES runs(id),"      // the pair's, for the index below
    "  annotator TEXT NOT NULL,"
    "  verdict INTEGER NOT NULL,"             // enum verdict
    "  swapped INTEGER NOT NULL, seconds REAL, note TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    "  supersedes INTEGER UNIQUE REFERENCES judgements(id));"
    "CREATE INDEX judgements_of_run ON judgements(run, id);"
    "CREATE INDEX judgements_of_pair ON judgements(pair, annotator);",
    // 3: pairs whose answers come from two models
    "ALTER TABLE pairs_judged ADD COLUMN model_b TEXT NOT NULL DEFAULT '';",
    // 4: runs that go on from a checkpoint of another
    "ALTER TABLE runs ADD COLUMN parent INTEGER REFERENCES runs(id);"
    "ALTER TABLE runs ADD COLUMN parent_step INTEGER;",
    // 5: what people say of runs, and every change of it, so that it can be undone (run_edits.h)
    "ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT '';"    // "hh,sweep": in order, without blanks
    "ALTER TABLE runs ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE runs ADD COLUMN trashed_ms INTEGER NOT NULL DEFAULT 0;" // when it came to the trash; 0: it is not there
    "CREATE TABLE run_edits("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  act INTEGER NOT NULL," // the first id of what a person did at once
    "  at_ms INTEGER NOT NULL,"
    "  run INTEGER NOT NULL REFERENCES runs(id),"
    "  what INTEGER NOT NULL," // enum run_attribute
    "  before TEXT NOT NULL, after TEXT NOT NULL,"
    "  state INTEGER NOT NULL DEFAULT 0);" // 0: holds, 1: undone, 2: can be neither undone nor done again
    "CREATE INDEX run_edits_by_state ON run_edits(state, act);",
    // 6: seven grades where there were five, with the other verdicts behind them; pairs judged again to see how steady a
    // judge is, reasons, the last word where annotators disagree; sets of pairs that are to be judged (label_sets.h)
    "UPDATE judgements SET verdict = CASE verdict WHEN -2 THEN -3 WHEN -1 THEN -2 WHEN 0 THEN 0 WHEN 1 THEN 2 WHEN 2 THEN 3"
    "  WHEN 3 THEN 4 WHEN 4 THEN 6 WHEN 5 THEN 7 WHEN 6 THEN 8 ELSE verdict END;"
    "ALTER TABLE judgements ADD COLUMN occasion INTEGER NOT NULL DEFAULT 0;" // 0: the vote; 1: the pair came again, unsaid
    "ALTER TABLE judgements ADD COLUMN reasons TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE judgements ADD COLUMN is_final INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE label_sets("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    "  source TEXT NOT NULL," // the file that it came from
    "  seed INTEGER NOT NULL, repeats REAL NOT NULL, guideline TEXT NOT NULL, created_ms INTEGER NOT NULL);"
    "CREATE TABLE label_items("
    "  set_id INTEGER NOT NULL REFERENCES label_sets(id), number INTEGER NOT NULL," // 1, 2, ... as in the file
    "  pair INTEGER NOT NULL REFERENCES pairs_judged(id),"
    "  share REAL," // for A, as the file says; NULL: it does not
    "  PRIMARY KEY(set_id, number)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX label_items_of_pair ON label_items(pair, set_id);",
    // 7: judgements of several pairs that were given at once, and are taken back at once
    "ALTER TABLE judgements ADD COLUMN act INTEGER;", // the first id of them; NULL: it was given alone
    // 8: pairs of a set whose answer is known: attention checks
    "ALTER TABLE label_items ADD COLUMN known REAL;", // for A; NULL: it is none
    // 9: sets whose pairs are shared out: who has which one at the moment
    "ALTER TABLE label_sets ADD COLUMN overlap REAL NOT NULL DEFAULT 1;" // the share of pairs that everybody judges
    "CREATE TABLE label_claims("
    "  set_id INTEGER NOT NULL REFERENCES label_sets(id), pair INTEGER NOT NULL REFERENCES pairs_judged(id),"
    "  annotator TEXT NOT NULL, until_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(set_id, pair)) WITHOUT ROWID;",
    NULL,
};
const struct sql_schema store_schema = {
    .what = "an Attune store",
    .application_id = 0x4174756e, // "Atun"
    .migrations = store_migrations,
};

static const char *const run_migrations[] = {
    // 1
    "CREATE TABLE status("
    "  id INTEGER PRIMARY KEY CHECK(id = 1)," // one row
    "  state INTEGER NOT NULL,"
    "  step INTEGER NOT NULL, total_steps INTEGER NOT NULL,"
    "  tokens_per_s REAL, seconds_left REAL,"
    "  heartbeat_ms INTEGER NOT NULL,"
    "  pid INTEGER NOT NULL, pid_start INTEGER NOT NULL, host TEXT NOT NULL,"
    "  phase TEXT NOT NULL, message TEXT NOT NULL,"
    "  started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
    "  control_id INTEGER NOT NULL);"
    // Points lie together by metric, so that a reader's "what is new in this one" touches a page or two. seq
    // counts all points of the run and is never used twice, also not after a rewind (counters.seq remembers).
    "CREATE TABLE keys(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE points("
    "  key INTEGER NOT NULL REFERENCES keys(id), seq INTEGER NOT NULL,"
    "  step INTEGER NOT NULL,"
    "  value REAL," // NULL is NaN
    "  PRIMARY KEY(key, seq)) WITHOUT ROWID;"
    "CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE events("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  at_ms INTEGER NOT NULL, step INTEGER NOT NULL,"
    "  level TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE TABLE samples("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  at_ms INTEGER NOT NULL, step INTEGER NOT NULL,"
    "  prompt TEXT NOT NULL, response TEXT NOT NULL, logp REAL, reward REAL);"
    "CREATE TABLE checkpoints("
    "  step INTEGER PRIMARY KEY,"
    "  at_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL);",
    // 2: rewards of a sample's tokens: "BYTES REWARD BYTES REWARD ..."
    "ALTER TABLE samples ADD COLUMN credits TEXT;",
    // 3: the error code of a run that failed; 0: it did not, or its engine was older than this column
    "ALTER TABLE status ADD COLUMN failure INTEGER NOT NULL DEFAULT 0;",
    // 4: what a policy said as it learnt
    "CREATE TABLE rollouts("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  at_ms INTEGER NOT NULL, step INTEGER NOT NULL,"
    "  prompt_number INTEGER NOT NULL, sample INTEGER NOT NULL,"
    "  prompt TEXT NOT NULL, response TEXT NOT NULL, tokens BLOB NOT NULL," // int32, little-endian
    "  ended INTEGER NOT NULL, score REAL, logp REAL, ref REAL);"
    "CREATE INDEX rollouts_of_step ON rollouts(step);",
    // 5: pairs of answers that the run wants judged by people
    "CREATE TABLE pairs_asked("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," // never used twice: judgements name it
    "  at_ms INTEGER NOT NULL, step INTEGER NOT NULL,"
    "  state INTEGER NOT NULL," // enum pair_state, or 3: offered by steps that a rewind took back
    "  closed_step INTEGER,"    // the step that took it or gave it up
    "  hash TEXT NOT NULL,"     // of the texts
    "  prompt TEXT NOT NULL, turns TEXT NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL,"
    "  tokens BLOB, model TEXT NOT NULL);"
    "CREATE INDEX pairs_by_state ON pairs_asked(state, id);",
    NULL,
};
const struct sql_schema run_schema = {
    .what = "a run of Attune's",
    .application_id = 0x4174726e, // "Atrn"
    .migrations = run_migrations,
};
