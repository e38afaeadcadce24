// The grid of kept screens (Q18): every page at every size, and in ASCII, in 16 colours and without any. Pages that need
// more than a project's runs (Compare, Label, Data, evaluations) are in the tests of these.
#include "config.h"

#include "testing.h"

#include "ui/fixture.h"
#include "ui/rig.h"
#include "ui/side_by_side.h"

// Each page in a console of its own, which is resized and changes its modes.
static void page_is_as_kept(const char *keys, const char *page, const char *ready)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 120, .height = 40});
    rig_wait(&r, "> g dpo-next");
    rig_wait(&r, "mem 3.1/16G"); // the machine is read a little later
    rig_send(&r, keys);
    rig_expect_grid(&r, page, ready);
    rig_quit(&r);
}

static void runs_are_as_kept_at_every_size_and_in_every_mode_q18(void **state)
{
    page_is_as_kept("", "runs", "dpo-wide-beta");
}

static void curves_are_as_kept_at_every_size_and_in_every_mode_q18(void **state)
{
    page_is_as_kept(":open dpo-1\r", "curves", "[2 Curves]");
}

static void samples_are_as_kept_at_every_size_and_in_every_mode_q18(void **state)
{
    page_is_as_kept(":open dpo-1\r3", "samples", "fox");
}

static void the_log_is_as_kept_at_every_size_and_in_every_mode_q18(void **state)
{
    page_is_as_kept(":open dpo-1\r4", "log", "[4 Log]");
}

static void help_is_as_kept_at_every_size_and_in_every_mode_q18(void **state)
{
    page_is_as_kept(":open dpo-1\r4?", "help", "Keys and commands");
}

static void recipes_are_as_kept_at_every_size_and_in_every_mode_q18(void **state)
{
    page_is_as_kept(":open dpo-1\r1R", "recipes", "demo");
}

static void the_form_is_as_kept_at_every_size_and_in_every_mode_q18(void **state)
{
    page_is_as_kept(":open dpo-1\r1a", "form", "dpo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_as_kept_at_every_size_and_in_every_mode_q18),
        cmocka_unit_test(curves_are_as_kept_at_every_size_and_in_every_mode_q18),
        cmocka_unit_test(samples_are_as_kept_at_every_size_and_in_every_mode_q18),
        cmocka_unit_test(the_log_is_as_kept_at_every_size_and_in_every_mode_q18),
        cmocka_unit_test(help_is_as_kept_at_every_size_and_in_every_mode_q18),
        cmocka_unit_test(recipes_are_as_kept_at_every_size_and_in_every_mode_q18),
        cmocka_unit_test(the_form_is_as_kept_at_every_size_and_in_every_mode_q18),
    };
    return run_side_by_side(7, tests, sizeof tests / sizeof *tests, fixture_set_up, fixture_tear_down);
}
