#include "config.h"

#include "cli/soft_labels.h"

#include <string.h>

int soft_labels_open(struct soft_labels *s, struct store *store, const char *run, struct err *e)
{
    *s = (struct soft_labels){0};
    int code = judged_votes_read(store, run, &s->votes, e);
    return code ? code : judge_report_make(&s->report, &s->votes, e);
}

void soft_labels_close(struct soft_labels *s)
{
    judge_report_fini(&s->report);
    judged_votes_fini(&s->votes);
}

// Both lists are in the order of the store's rows. A pair that was judged between the two readings has only what was seen
// of it then, or nothing: a half.
double soft_labels_share(struct soft_labels *s, const struct judged_pair *p)
{
    int at = s->at;
    while (at < s->votes.n_sources && strcmp(s->votes.sources[at].hash, p->pair.hash) != 0)
        at++;
    if (at == s->votes.n_sources)
        return 0.5;
    s->at = at + 1;
    const struct judged_source *source = &s->votes.sources[at];
    const double share = s->report.fit.pairs[source->pair].share;
    return source->is_turned ? 1 - share : share;
}
