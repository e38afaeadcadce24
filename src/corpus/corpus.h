// Preference data in: whatever shape people have, recognized and read row by row, each refused row with its
// line number and the reason. Texts are not trusted: they may hold anything.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

// What a row offers; objectives say which they can learn from.
enum data_kind {
    DATA_SFT = 1,     // prompt (may be empty) and one text to imitate
    DATA_PAIR = 2,    // prompt, chosen, rejected
    DATA_BINARY = 4,  // prompt, response, good or bad
    DATA_LIST = 8,    // prompt and n responses with ranks or scores
    DATA_PROMPT = 16, // prompt only
};
const char *data_kind_name(enum data_kind kind); // "preference pairs", ...

struct turn {
    const char *role; // "system", "user", "assistant", or as the data has it ("tool")
    const char *text;
    const char *json; // the whole message, where it has more than these two (tool_calls, reasoning_content); else NULL
};
struct response {
    const char *text;
    // pairs: the share of votes, together 1 (1 and 0 without votes, 0.5 and 0.5: a tie); binary: 1 good, 0 bad; lists:
    // the score or minus the rank
    double score;
    const char *json; // as of a turn
};
struct example {
    int64_t line;      // in the person's file, where the row begins; of Parquet the row's number (see corpus.unit)
    const char *file;  // which file of several ("train-00000-of-00003.parquet"); NULL: there is one
    bool is_chat;      // turns are messages for a chat template; else turns[0].text is the plain prompt
    const struct turn *turns; // the prompt; the last turn is the user's
    int n_turns;
    const struct response *responses; // pairs: [0] chosen (the one with more votes), [1] rejected
    int n_responses;
    const char *tools; // what the assistant may call, a JSON list; NULL: none
};
// Of pairs: neither answer is better.
static inline bool pair_is_tie(const struct example *x)
{
    return x->n_responses == 2 && x->responses[0].score == x->responses[1].score;
}
// What was asked, as text for a person or a program: the prompt, or of a conversation with several turns all of them with
// their roles; heap.
char *example_prompt_text(const struct example *x);
// The prompt as training would read it: a JSON list of messages where it has messages, else NULL; heap.
char *example_turns_json(const struct example *x);
struct refused_row {
    int64_t line;
    const char *reason; // "chosen and rejected are the same text"
    const char *file;   // as of an example
    bool cut;           // the file ends in the middle of it
};
// A member of the rows.
struct corpus_field {
    const char *name;
    size_t n;    // rows in which it is not null
    bool used;   // its content was looked at
    const char *meant; // how the name might have been meant; NULL: no idea
};
struct corpus {
    struct arena arena; // owns all text
    char *path;
    enum data_kind kind;
    bool transcripts;   // dialogues in HH's form: what to write them in where the model has no template
    const char *shape;  // what was recognized: "HH transcripts (chosen/rejected)", "message lists", ...
    struct example *examples;
    size_t n_examples;
    struct refused_row *refused;
    size_t n_refused, cap_refused, n_rows;
    struct corpus_field *fields; // of JSON rows, in the order of the file
    size_t n_fields;
    const char *all_refused; // "all 12 rows in which "language" is german" when that is so; NULL
    const char *unit;   // what `line` counts: "line" or "row"
    char hash[65];      // SHA-256 of the file's (unpacked) bytes; of several files, of all in order
};

// Every kind of file that source.h has (JSON lines, a JSON array, CSV, TSV, Parquet, plain text; also packed with gzip),
// a folder of shards, a pattern of them, or a pipe. Text files have at most 4 GiB unpacked, rows 16 MiB (longer ones are
// refused); of Parquet one row group is in memory at a time.
// limit: at most so many rows (0: all). Fails only when the file cannot be read, no shape fits, or no row is good.
int corpus_load(struct corpus **out, const char *path, size_t limit, struct err *e);
// How rows are read where their own names do not say it.
struct corpus_reading {
    const char *map;        // "prompt=question,chosen=better" (map.h); NULL or "": none
    const char *label_from; // which of several labels counts ("safer"); NULL or "": the usual one
};
int corpus_load_as(struct corpus **out, const char *path, size_t limit, const struct corpus_reading *how, struct err *e);
// The same from bytes in memory; `path` names them in errors, and its ending says whether they are plain text.
int corpus_parse(struct corpus **out, const char *path, const char *bytes, size_t n_bytes, size_t limit, struct err *e);
void corpus_free(struct corpus *c); // NULL is fine

// Adds a row that cannot be used after all, for a reason that only shows in its tokens; a line counts once.
void corpus_refuse(struct corpus *c, int64_t line, const char *file, const char *reason);
// Why rows were refused, the frequent reasons first; at most `most` of them. Returns how many.
struct refusal {
    const char *file; // of the first, as of an example
    const char *reason;
    int64_t line; // of the first row
    size_t n;
};
int corpus_refusals(const struct corpus *c, struct refusal *out, int most);
// ERR_INPUT when the file was cut, when more than a tenth of the rows was refused, or all of one value of a member (an
// annotator, a language).
int corpus_check_refused(const struct corpus *c, struct err *e);

// By its first rows: ERR_USAGE when the file is of a kind that `needs` (names of kinds, such as "preference pairs or
// ranked lists") does not name. Nothing is said of a file that is slow to read or has other faults: who reads all of it
// says more.
int corpus_check_needs(const char *path, const char *needs, bool pairs_from_lists, const struct corpus_reading *how,
                       struct err *e);

// Writes the accepted examples as JSON lines in the normal form (atomically); corpus_load reads the same back.
int corpus_write(const struct corpus *c, const char *path, struct err *e);

// A fixed share of the examples for evaluation: held_out[i] is true for it. Depends on seed and the example's
// content only, so that the same pair never trains in one run and tests in another; examples with the same
// prompt stay together.
void corpus_split(const struct corpus *c, double share, uint64_t seed, bool *held_out);
// One of two halves (part 1 or 2): takes the examples of the other out of use. By seed and prompt, as corpus_split is,
// and independent of it: what two models learnt from two halves of one file they did not learn from the same prompts.
void corpus_part(const struct corpus *c, int part, uint64_t seed, bool *use);
