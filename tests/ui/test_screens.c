// The grid of kept screens (Q18): every page at every size, and in ASCII, in 16 colours and without any. Pages that need
// more than a project's runs (Compare, Label, Data, evaluations) are in the tests of these.
#include "config.h"

#include "testing.h"

#include "ui/fixture.h"
#include "ui/rig.h"

static void pages_are_as_kept_at_every_size_and_in_every_mode_q18(void **state)
{
    static const struct {
        const char *keys, *page, *ready;
    } steps[] = {
        {"", "runs", "dpo-wide-beta"}, {":open dpo-1\r", "curves", "[2 Curves]"}, {"3", "samples", "fox"},
        {"4", "log", "[4 Log]"},       {"?", "help", "Keys and commands"},        {"\0331R", "recipes", "demo"},
        {"\0331a", "form", "dpo"},
    };
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 120, .height = 40});
    rig_wait(&r, "> g dpo-next");
    rig_wait(&r, "mem 3.1/16G"); // the machine is read a little later
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        rig_send(&r, steps[i].keys);
        rig_expect_grid(&r, steps[i].page, steps[i].ready);
    }
    rig_quit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_as_kept_at_every_size_and_in_every_mode_q18),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
