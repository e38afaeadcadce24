// What every file of the desk asks of it.
#include "config.h"

#include "ui/label/label_room.h"

const char *label_words(enum verdict shown)
{
    static const char *const words[] = {"left much better",
                                        "left better",
                                        "left slightly better",
                                        "about the same",
                                        "right slightly better",
                                        "right better",
                                        "right much better",
                                        "both bad",
                                        "cannot judge",
                                        "skipped",
                                        "flagged"};
    return shown < VERDICT_UNDO ? words[shown - VERDICT_MUCH_A] : "";
}

int label_texts(struct label_desk *d, int item, struct asked_pair *out, struct err *e)
{
    const int64_t pair = d->queue.items[item].pair;
    if (d->queue.kind == LABEL_OF_RUN && !d->queue.reader)
        return err_set(e, ERR_NOT_FOUND, "run %s has no pairs: its engine has not begun", d->queue.name);
    return d->queue.kind == LABEL_OF_SET ? label_pair(d->store, pair, out, e)
                                         : run_reader_pair(d->queue.reader, pair, out, e);
}

const char *label_run(const struct label_desk *d)
{
    return d->queue.kind == LABEL_OF_RUN ? d->queue.name : NULL;
}
