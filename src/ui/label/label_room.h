// What the files of the desk share: label_desk.c takes requests, label_undo.c takes back, label_filter.c reads and filters
// what waits, label_many.c lists it and judges several pairs at once.
#pragma once

#include "store/labels_pending.h"
#include "ui/label/label_queue.h"

struct label_desk {
    struct store *store;
    struct queue queue;
    struct queue_place now; // what is shown
    struct judgement *redo; // taken back, the last on top
    int n_redo, cap_redo;
    double save_s;
    struct labels_pending *pending;
    struct judgement held; // said, and written to `pending`; LABEL_SAVE brings it to attune.db
    struct queue_place held_at;
    bool is_held, replaces;
    bool listing; // what waits is shown as a list
};

// The texts of an item.
int label_texts(struct label_desk *d, int item, struct asked_pair *out, struct err *e);
const char *label_run(const struct label_desk *d); // NULL: pairs of a set
int label_item_of(const struct queue *q, int64_t number); // the pair with that number in its source; -1: there is none
// What is new of pairs and judgements; new pairs pass the filter or not.
int label_read_queue(struct label_desk *d, struct err *e);

void label_forget_redo(struct label_desk *d);
// What the annotator took back last, before anything else was said: it can be redone, also after a restart.
void label_find_redo(struct label_desk *d);
int label_undo(struct label_desk *d, char *said, size_t size, struct err *e);
int label_redo(struct label_desk *d, char *said, size_t size, struct err *e);

// Of a set that is shared out (label_reserve.c): what is shown becomes this annotator's for a while, and with `ahead` what
// comes after it, so that no key waits for that. Another pair is shown where somebody else was faster.
int label_reserve(struct label_desk *d, bool ahead, struct err *e);
int label_reserve_items(struct label_desk *d, const int *items, int n, struct err *e); // what others have waits no more then
void label_release(struct label_desk *d);

// text "" or NULL: none. A filter that cannot be read, or asks for what pairs do not have, changes nothing.
int label_choose_filter(struct label_desk *d, const char *text, char *said, size_t size, struct err *e);
int label_show_list(struct label_desk *d, struct label_shown *out, struct err *e);
int label_judge_many(struct label_desk *d, const struct label_request *r, char *said, size_t size, struct err *e);
