// A run's own database, runs/NAME/run.db: metrics, events, samples, checkpoints, state and heartbeat. One
// writer: the engine's recorder thread (WAL, synchronous=NORMAL, batches; on a network file system a rollback
// journal instead, and an event says so). Everyone else opens it read-only and briefly.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum run_state {
    RUN_QUEUED,   // in the store, no engine has taken it up
    RUN_STARTING, // loading, computing reference log-probabilities
    RUN_RUNNING, RUN_PAUSED,
    RUN_STOPPED,  // by the person, with a checkpoint
    RUN_DONE, RUN_FAILED,
    RUN_DEAD,     // its process is gone without a word; never stored, found by readers
};
const char *run_state_name(enum run_state state);
bool run_state_is_live(enum run_state state); // starting, running, paused
bool run_state_from_name(const char *name, enum run_state *out);

struct run_status {
    enum run_state state;
    int64_t step, total_steps;
    double tokens_per_s, seconds_left; // smoothed; 0 when unknown
    int64_t heartbeat_ms;
    int pid;
    int64_t pid_start; // /proc/PID/stat field 22: tells a reused pid from the engine
    char host[64];
    char phase[96];    // what it does now, for the person: "computing reference log-probabilities 312/1100"
    char message[400]; // why it failed or stopped
    int64_t started_ms, ended_ms;
    int64_t control_id; // last control that was applied
    int failure;        // RUN_FAILED: the ERR_ code, ERR_FAIL where that is not known; else 0
};

// Fills pid, pid_start and host for this process.
void run_status_self(struct run_status *s);
void run_status_of_process(struct run_status *s, int pid); // the same for another process of this host
// Whether the process that wrote the status is there still: by pid and start time on the same host, by a
// heartbeat of the last 30 s on another.
bool run_status_is_alive(const struct run_status *s);
// The same for who looks again and again: of a run of another machine only its heartbeat is known, and once it was seen to
// beat, clocks that are set (here or there) decide nothing.
struct run_beat {
    int64_t heartbeat_ms; // 0: the first look is still to come
    double seen_s;        // when that one was new, by clock_seconds()
};
bool run_status_lives_on(const struct run_status *s, struct run_beat *beat);

// ---- reading ----
// One thread at a time uses a reader or a writer.
struct run_reader;
// ERR_NOT_FOUND while the engine has not made the file yet.
int run_reader_open(struct run_reader **out, const char *run_dir, struct err *e);
void run_reader_close(struct run_reader *r); // NULL is fine
// What is read in between is of one moment, and is looked up once: the locks of each single question cost more than its
// answer. Briefly: a reader that lingers keeps the writer's WAL from shrinking.
void run_reader_begin(struct run_reader *r);
void run_reader_end(struct run_reader *r);
// RUN_DEAD is decided here: live by its own word, but the process is gone (same host) or the heartbeat is
// older than 30 s (other host).
int run_reader_status(struct run_reader *r, struct run_status *out, struct err *e);
// Cheap: changes whenever another process committed something (PRAGMA data_version).
int64_t run_reader_version(struct run_reader *r);

int run_reader_keys(struct run_reader *r, char ***names, int *n, struct err *e); // metric names; heap
// Points of one metric that were written after *cursor (0: all), in the order written; moves *cursor.
// Non-finite values are NaN/Inf. A step that is not larger than the one before it: the run was continued from
// an earlier checkpoint, and what was read from that step on is to be forgotten.
struct metric_point {
    int64_t step;
    double value;
};
int run_reader_points(struct run_reader *r, const char *key, int64_t *cursor, struct metric_point **out, int *n,
                      struct err *e);
// The same, at most `max` of them: for readers with little time.
int run_reader_points_some(struct run_reader *r, const char *key, int64_t *cursor, int max, struct metric_point **out,
                           int *n, struct err *e);
// The newest value of each of `keys` (NaN where none).
int run_reader_latest(struct run_reader *r, const char *const *keys, int n_keys, double *values, struct err *e);
// What share `part` has of `whole`, of which every step has a point. `part` has one where a batch begins, before that of
// `whole`: whole batches are looked at, the last 16, and one that has only begun where it is the first. NaN where there is
// none.
int run_reader_share(struct run_reader *r, const char *part, const char *whole, double *share, struct err *e);

struct run_event {
    int64_t id, at_ms, step;
    char level[8];  // "info", "warn", "error"
    char kind[24];  // "start", "control", "checkpoint", "eval", "nonfinite", "end", ...
    char *text;
};
// after_id 0: all.
int run_reader_events(struct run_reader *r, int64_t after_id, struct run_event **out, int *n, struct err *e);
void run_events_free(struct run_event *events, int n);

// What one token of a response earned: its implicit reward, beta (log pi - log pi_ref).
struct run_credit {
    int n_bytes; // of the response's text; the tokens' texts stand one after the other
    double reward;
};
struct run_sample {
    int64_t id, at_ms, step;
    char *prompt, *response;
    double logp, reward; // NaN where unknown
    struct run_credit *credits; // (n_credits); NULL where unknown
    int n_credits;
};
int run_reader_samples(struct run_reader *r, int newest, struct run_sample **out, int *n, struct err *e); // newest first
void run_samples_free(struct run_sample *samples, int n);

// An answer of the policy that it has learnt from, or was to.
struct run_rollout {
    int64_t id, at_ms, step; // of the first update that was made of it
    int64_t prompt_number;   // of training, counted over all epochs
    int sample;
    char *prompt, *response;
    int32_t *tokens; // (n_tokens) of the response
    int n_tokens;
    bool ended;         // by its own end
    double score, logp, ref; // what it earned; under the policy and the reference then (NaN: no reference)
};
// Newest first, at most `newest` of them; before_id: those older than it (0: all).
int run_reader_rollouts(struct run_reader *r, int64_t before_id, int newest, struct run_rollout **out, int *n,
                        struct err *e);
void run_rollouts_free(struct run_rollout *rollouts, int n);

struct run_checkpoint {
    int64_t step, at_ms, bytes;
    char *path;      // relative to the run's folder
    char sha256[65]; // over the checkpoint's files
};
int run_reader_checkpoints(struct run_reader *r, struct run_checkpoint **out, int *n, struct err *e); // oldest first
void run_checkpoints_free(struct run_checkpoint *checkpoints, int n);
int run_reader_check(struct run_reader *r, struct err *e); // reads the whole file: ERR_INPUT with what is damaged

// ---- writing: the recorder thread only ----
struct run_writer;
// Opens or makes run.db. A second writer is refused (ERR_STATE: "run NAME is being trained by process ..."); one that was
// killed and is not wholly gone yet is waited for, at most half a minute.
int run_writer_open(struct run_writer **out, const char *run_dir, struct err *e);
void run_writer_close(struct run_writer *w); // checkpoints the WAL; NULL is fine
// Between begin and commit; all of a batch or nothing is kept: after a failure the batch is rolled back, and what
// follows until commit fails with the same error. Interned keys are cheap.
int run_writer_begin(struct run_writer *w, struct err *e);
int run_writer_commit(struct run_writer *w, struct err *e);
int run_writer_status(struct run_writer *w, const struct run_status *status, struct err *e);
int run_writer_metric(struct run_writer *w, const char *key, int64_t step, double value, struct err *e);
int run_writer_event(struct run_writer *w, int64_t at_ms, int64_t step, const char *level, const char *kind,
                     const char *text, struct err *e);
int run_writer_sample(struct run_writer *w, const struct run_sample *sample, struct err *e);
int run_writer_rollout(struct run_writer *w, const struct run_rollout *rollout, struct err *e);
int run_writer_checkpoint(struct run_writer *w, const struct run_checkpoint *checkpoint, struct err *e);
// On resume: forget metrics, samples, rollouts and checkpoints after `step` (they are computed again, the same).
int run_writer_rewind(struct run_writer *w, int64_t step, struct err *e);
int run_writer_last_status(struct run_writer *w, struct run_status *out, struct err *e);
