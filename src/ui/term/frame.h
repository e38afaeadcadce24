// Frames in one piece. curses sends what it has at each move of the cursor, a hundred writes a frame, each of which wakes
// the terminal. Between begin and end, what goes to standard output is gathered in a file in memory instead, and sent at the
// end with one write. Where the system has no such file, all stays as curses does it.
#pragma once

void frame_open(void); // once, while standard output is the terminal
void frame_begin(void);
void frame_end(void);
int frame_terminal(void); // the descriptor that is the terminal at any moment, also between the two
