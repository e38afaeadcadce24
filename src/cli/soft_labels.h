// A pair's label as a share: what annotators of ordinary ability would say, as far as those who judged it let one tell
// (stats/annotators.h).
#pragma once

#include "store/judged_votes.h"
#include "ui/judge_report.h"

struct soft_labels {
    struct judged_votes votes;
    struct judge_report report;
    int at;
};
int soft_labels_open(struct soft_labels *s, struct store *store, const char *run, struct err *e);
void soft_labels_close(struct soft_labels *s); // zeroed is fine
// The share for B of a pair, 0 to 1. Pairs are asked for in the order of labels_judged of the same run.
double soft_labels_share(struct soft_labels *s, const struct judged_pair *p);
