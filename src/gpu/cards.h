// Which of several GPUs a process computes on, so that runs that work at once, of a sweep or of several people's hands, do
// not all take the first.
#pragma once

// The number of a GPU of this machine's n: `wanted`, or, where that is negative, one that fewest processes have. It stays taken
// until the process ends or takes another; asked again for any, it is the same. Nobody is refused: with more processes than
// GPUs they share.
int card_take(int n, int wanted);
int card_taken(void); // 0 before the first
