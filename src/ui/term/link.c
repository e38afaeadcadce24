#include "config.h"

#include "ui/term/link.h"

#include <math.h>

// A quarter of a second is where a person begins to feel the way, and with three trips between two frames a frame has
// arrived, and a key's answer has room, before the next one is written.
#define SLOW_S 0.25
#define QUICK_S 0.15 // back again only below this: not to and fro
#define EVERY_S 5.0
#define LOST_S 20.0 // an answer that never comes: the terminal was another one, or it is forgotten by a multiplexer

void link_asked(struct link *l, double now_s)
{
    l->asked_s = now_s;
    l->next_s = now_s + EVERY_S;
}

void link_answered(struct link *l, double now_s)
{
    if (l->asked_s > 0) {
        const double trip = now_s - l->asked_s;
        l->trip_s = l->trip_s > 0 ? 0.5 * l->trip_s + 0.5 * trip : trip;
    }
    l->answers = true;
    l->asked_s = 0;
}

bool link_wants_question(const struct link *l, double now_s)
{
    return l->answers && l->asked_s <= 0 && now_s >= l->next_s;
}

double link_period(struct link *l, double now_s)
{
    double trip = l->trip_s;
    if (l->asked_s > 0 && now_s - l->asked_s > LOST_S)
        l->asked_s = 0;
    if (l->asked_s > 0 && l->answers)
        trip = fmax(trip, now_s - l->asked_s);
    const bool slow = trip > (l->period_s > 0 ? QUICK_S : SLOW_S);
    const double wanted = 3 * trip;
    l->period_s = !slow ? 0 : wanted <= 0.5 ? 0.5 : wanted <= 1 ? 1 : 2;
    return l->period_s;
}
