// The real program in a pseudo-terminal of a fixed size, its output interpreted by libvterm. Tests wait for what the screen
// shows, never for time to pass.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <vterm.h>

#include "base/str.h"

struct rig_options {
    const char *project;
    const char *program; // another one than attune: its path
    int width, height;
    const char *term;   // NULL: screen-256color (libvterm 0.1.4 cannot repeat characters as xterm does)
    const char *locale; // NULL: C.UTF-8
    bool no_color;
    bool keeps_session; // what the console keeps of the project is read and written
    const char *background; // NULL: unknown
    const char *const *args; // words of the command line, NULL-terminated; NULL: none
    bool slow;              // --slow
    const char *keys;       // the file of a person's keys; NULL: none
    const char *state; // XDG_STATE_HOME; NULL: there is none
    const char *clock;      // ATTUNE_CLOCK of the program; NULL: that of the test
    const char *set_clock;  // the file by which fake_clock.so sets the program's clock while it runs; NULL: nothing does
};
struct rig {
    pid_t pid;
    int fd;
    VTerm *vt;
    VTermScreen *screen;
    int width, height;
    size_t bytes;  // that the program wrote so far
    struct str raw; // the same, once it is wanted
    bool wants_raw;
    bool has_ended;
    int apart;     // what vterm_write goes through: 0 text, 1 after ESC, 2 a string that is left out, 3 after ESC in it

    void (*heard)(const char *bytes, size_t n); // what the program writes, as it comes; NULL: nobody listens
    void (*mask)(struct str *shown); // takes out what is another one every time, before rig_expect compares; NULL: nothing
                                     // is
};
void rig_start(struct rig *r, const struct rig_options *options);
// Reads what the program writes for at most so long, or until something came. Returns whether something came.
bool rig_read(struct rig *r, double seconds);
// Reads until nothing comes for so long.
void rig_settle(struct rig *r, double quiet_seconds);
void rig_send(struct rig *r, const char *keys);
void rig_resize(struct rig *r, int width, int height);
void rig_text(struct rig *r, bool with_styles, struct str *out);
void rig_same(const char *want, const char *got); // fails the test with the first line that differs
bool rig_shows(struct rig *r, const char *text);
void rig_wait(struct rig *r, const char *text); // fails the test after 30 s
void rig_wait_gone(struct rig *r, const char *text); // until the screen does not show it any more
// Waits until the screen is that of tests/ui/screens/NAME; fails with both when it does not become so. With
// ATTUNE_UPDATE_SCREENS set the file is written instead, once the screen shows `ready` and has settled.
void rig_expect(struct rig *r, const char *name, bool with_styles, const char *ready);
void rig_command(struct rig *r, const char *line); // typed behind a colon
void rig_quit(struct rig *r); // by Ctrl-c twice, which leaves any page as it is; status 0
// The same for a page that is shown: at every size, and at 80x24 in ASCII, in 16 colours and without any, with styles. One
// console that is resized, so what a size leaves behind is seen at the next one.
void rig_expect_grid(struct rig *r, const char *page, const char *ready);
int rig_end(struct rig *r); // waits for the program's end (it was asked to quit); its exit status, or -signal
void rig_kill(struct rig *r, int signal);
