// How long the way to the terminal is: a question goes out behind a frame, and its answer tells when the frame had arrived,
// with all that stood in queues before it. From that follows how often data may ask for a frame. Keys are answered at once
// always.
#pragma once

#include <stdbool.h>

struct link {
    bool answers;     // the terminal has answered once: it is worth asking
    double trip_s;    // of the last questions, smoothed; 0: not known
    double asked_s;   // of the question that is open; 0: none is
    double next_s;    // no other question before
    double period_s;  // between two frames for data's sake; 0: the link is quick
};
void link_asked(struct link *l, double now_s);
void link_answered(struct link *l, double now_s);
bool link_wants_question(const struct link *l, double now_s); // behind a frame that was just written
// Seconds between two frames that only data asks for: 0, or 0.5, 1 or 2. With a question open for long it grows.
double link_period(struct link *l, double now_s);
