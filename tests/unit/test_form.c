// The form of a new run and the menu of objectives, without a screen.
#include "config.h"

#include "testing.h"

#include "base/mem.h"
#include "ui/term/canvas.h"
#include "ui/launch/form.h"
#include "ui/term/keys.h"
#include "ui/launch/launch_preset.h"
#include "ui/launch/objective_menu.h"

static const struct param dpo_params[] = {
    {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0.001, .max = 10, .live = true,
     .group = "objective", .help = "Beta."},
    {0},
};
static const struct param sft_params[] = {
    {.name = "smoothing", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 0.5, .group = "objective",
     .help = "Smoothing."},
    {0},
};
static const struct param common[] = {
    {.name = "model", .type = PARAM_PATH, .group = "model", .help = "The model."},
    {.name = "data", .type = PARAM_PATH, .group = "data", .help = "The data."},
    {.name = "lr", .type = PARAM_FLOAT, .fallback = "1e-5", .min = 1e-12, .max = 1, .live = true, .group = "optimizer",
     .help = "Rate."},
    {.name = "recompute", .type = PARAM_BOOL, .fallback = "no", .group = "machine", .help = "Recompute."},
    {0},
};
static struct engine_objective objectives[] = {
    {.name = "sft", .title = "SFT", .params = (struct param *)sft_params},
    {.name = "dpo", .title = "DPO", .params = (struct param *)dpo_params},
};
static const struct engine_description engine = {
    .params = (struct param *)common, .objectives = objectives, .n_objectives = 2};

static void put(struct form *f, const char *name, const char *text)
{
    int field = form_find(f, name);
    assert_true(field >= 0);
    form_set(f, field, text);
}

static void the_form_checks_values_and_says_the_command(void **state)
{
    struct form f;
    struct str line = {0};
    form_init(&f, &engine);
    assert_string_equal(f.fields[FORM_OBJECTIVE].text, "dpo");
    put(&f, "beta", "20");
    assert_true(f.fields[form_find(&f, "beta")].fault[0]);
    put(&f, "beta", "0.3");
    assert_false(f.fields[form_find(&f, "beta")].fault[0]);
    put(&f, "model", "/no/such place");
    assert_true(strstr(f.fields[form_find(&f, "model")].fault, "no file or folder"));
    form_command_line(&f, &line);
    assert_string_equal(str_text(&line), "attune train --objective dpo --model '/no/such place' --data ... --beta 0.3");
    assert_true(form_step(&f, form_find(&f, "recompute"), 1));
    assert_string_equal(f.fields[form_find(&f, "recompute")].text, "yes");
    put(&f, "lr", "3e-4");
    put(&f, "objective", "sft"); // keeps what both have
    assert_int_equal(form_find(&f, "beta"), -1);
    assert_string_equal(f.fields[form_find(&f, "lr")].text, "3e-4");
    assert_string_equal(f.fields[form_find(&f, "recompute")].text, "yes");
    assert_int_equal(form_first_fault(&f), form_find(&f, "model"));
    put(&f, "model", "");
    assert_int_equal(form_first_fault(&f), form_find(&f, "model"));
    str_fini(&line);
    form_fini(&f);
}

// Data of another kind than the objective's is refused before a run is made of it.
static void the_form_refuses_data_of_another_kind(void **state)
{
    static const char binary[] = "{\"prompt\": \"a\", \"completion\": \"b\", \"label\": true}\n"
                                 "{\"prompt\": \"c\", \"completion\": \"d\", \"label\": false}\n";
    static const char lists[] = "{\"instruction\": \"a\", \"completions\": [{\"response\": \"b\", \"overall_score\": 1}, "
                                "{\"response\": \"c\", \"overall_score\": 2}]}\n";
    char *dir = test_folder(), *config = path_join(dir, "config.json"), *data = path_join(dir, "data.jsonl");
    struct engine_objective rows[2] = {objectives[0], objectives[1]};
    const struct engine_description real = {.params = (struct param *)common, .objectives = rows, .n_objectives = 2};
    struct form f;
    rows[0].data_needs = "texts to imitate or answers marked good or bad";
    rows[1].data_needs = "preference pairs";
    assert_ok(file_write(config, "{}", 2, e));
    assert_ok(file_write(data, binary, strlen(binary), e));
    form_init(&f, &real);
    put(&f, "model", dir);
    put(&f, "data", data);
    int field = form_find(&f, "data");
    assert_int_equal(form_first_fault(&f), field);
    assert_non_null(strstr(f.fields[field].fault, "holds answers marked good or bad"));
    assert_null(strstr(f.fields[field].fault, "pairs-from-lists"));
    put(&f, "objective", "sft"); // which takes them here
    assert_int_equal(form_first_fault(&f), -1);
    put(&f, "objective", "dpo");
    assert_ok(file_write(data, lists, strlen(lists), e));
    assert_int_equal(form_first_fault(&f), field = form_find(&f, "data"));
    assert_non_null(strstr(f.fields[field].fault, "pairs-from-lists"));
    // A folder of shards and a pattern are data, as for the command; a model's folder is not.
    char *shards = path_join(dir, "shards"), *one = path_join(shards, "train-00000-of-00001.jsonl"),
         *pattern = path_join(dir, "shards/train-*.jsonl"), *none = path_join(dir, "shards/test-*.jsonl");
    static const char pairs[] = "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n";
    assert_ok(file_make_dirs(shards, e));
    assert_ok(file_write(one, pairs, strlen(pairs), e));
    put(&f, "data", shards);
    assert_int_equal(form_first_fault(&f), -1);
    put(&f, "data", pattern);
    assert_int_equal(form_first_fault(&f), -1);
    put(&f, "data", none);
    assert_int_equal(form_first_fault(&f), field);
    put(&f, "data", dir);
    assert_int_equal(form_first_fault(&f), field);
    assert_non_null(strstr(f.fields[field].fault, "is a model's folder"));
    free(shards);
    free(one);
    free(pattern);
    free(none);
    form_fini(&f);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    free(config);
    free(data);
}

static void type(struct objective_menu *m, const char *text)
{
    for (; *text; text++)
        objective_menu_key(m, *text);
}

static void the_menu_finds_objectives_by_typing(void **state)
{
    static struct engine_objective rows[] = {
        {.name = "r-dpo", .title = "Length-regularized DPO", .summary = "R.", .data_needs = "preference pairs",
         .paper = "P"}, {.name = "dpo", .title = "Direct Preference Optimization", .summary = "D.",
                         .data_needs = "preference pairs", .paper = "P"}, {.name = "kto", .title = "Kahneman-Tversky",
                                                                           .summary = "K.",
            .data_needs = "answers marked good or bad", .paper = "P"},
    };
    const struct engine_description three = {.objectives = rows, .n_objectives = 3};
    struct objective_menu m = {0};
    struct canvas c;
    struct str picture = {0};
    objective_menu_open(&m, &three, "kto");
    assert_string_equal(objective_menu_chosen(&m)->name, "kto");
    type(&m, "DPO"); // the name that begins so, although another that holds it stands before it
    assert_int_equal(m.n, 2);
    assert_string_equal(objective_menu_chosen(&m)->name, "dpo");
    assert_int_equal(objective_menu_key(&m, KEY_UP_), MENU_CHANGED);
    assert_int_equal(objective_menu_key(&m, KEY_UP_), MENU_CHANGED);
    assert_string_equal(objective_menu_chosen(&m)->name, "r-dpo");
    assert_int_equal(objective_menu_key(&m, KEY_ENTER_), MENU_TAKEN);
    objective_menu_open(&m, &three, "dpo");
    type(&m, "ma"); // in a title, and in its data
    assert_int_equal(m.n, 0);
    type(&m, "rked");
    assert_string_equal(objective_menu_chosen(&m)->name, "kto");
    type(&m, "x");
    assert_null(objective_menu_chosen(&m));
    assert_int_equal(objective_menu_key(&m, KEY_ENTER_), MENU_KEPT);
    for (int width = 1; width < 130; width += 16) { // any size
        canvas_init(&c, width, width / 4 + 1, GLYPHS_ASCII, true);
        objective_menu_draw(&m, &c, canvas_area(&c));
        canvas_fini(&c);
    }
    assert_int_equal(objective_menu_key(&m, KEY_BACKSPACE_), MENU_CHANGED);
    canvas_init(&c, 80, 20, GLYPHS_ASCII, true);
    objective_menu_draw(&m, &c, canvas_area(&c));
    canvas_save(&c, false, &picture);
    assert_non_null(strstr(str_text(&picture), "1 of 3  type to find, Enter takes, Esc leaves"));
    assert_non_null(strstr(str_text(&picture), "> kto    Kahneman-Tversky"));
    assert_non_null(strstr(str_text(&picture), "K. Learns from answers marked good or bad. P"));
    canvas_fini(&c);
    assert_int_equal(objective_menu_key(&m, KEY_ESCAPE_), MENU_LEFT);
    str_fini(&picture);
    objective_menu_fini(&m);
}

static void the_form_gives_all_settings_and_takes_them_again(void **state)
{
    struct form f, again;
    char *dir = test_folder(), *config = path_join(dir, "config.json"), *data = path_join(dir, "pairs.jsonl");
    assert_ok(file_write(config, "{}", 2, e));
    assert_ok(file_write(data, "{}", 2, e));
    form_init(&f, &engine);
    put(&f, "model", dir);
    put(&f, "data", data);
    put(&f, "beta", "0.25");
    assert_int_equal(form_first_fault(&f), -1);
    json_t *settings = form_settings(&f, false);
    assert_close(json_number_value(json_object_get(settings, "beta")), 0.25, 0);
    assert_close(json_number_value(json_object_get(settings, "lr")), 1e-5, 0);
    assert_string_equal(json_string_value(json_object_get(settings, "model")), dir);
    form_init(&again, &engine);
    form_copy(&again, "dpo", NULL, NULL, settings);
    assert_string_equal(again.fields[form_find(&again, "beta")].text, "0.25");
    assert_string_equal(again.fields[form_find(&again, "data")].text, data);
    assert_int_equal(form_first_fault(&again), -1);
    json_decref(settings);
    form_fini(&f);
    form_fini(&again);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    free(config);
    free(data);
}

static void fields_are_found_by_name_and_then_by_meaning(void **state)
{
    struct form f;
    form_init(&f, &engine);
    const int lr = form_find(&f, "lr"), model = form_find(&f, "model"), data = form_find(&f, "data"),
              recompute = form_find(&f, "recompute"), beta = form_find(&f, "beta");
    assert_int_equal(form_search(&f, "lr", 0), lr);
    assert_int_equal(form_search(&f, "da", 0), data);   // begins with it
    assert_int_equal(form_search(&f, "compu", 0), recompute); // holds it
    assert_int_equal(form_search(&f, "rate", 0), lr);   // is explained by it
    assert_int_equal(form_search(&f, "BETA", lr), beta); // round the end
    assert_int_equal(form_search(&f, "model", model), model); // the only one there is
    assert_int_equal(form_search(&f, "nothing like it", 0), -1);
    form_fini(&f);
}

// Lists make a sweep: the command says so, the settings leave them out, and each value is checked.
static void listed_values_make_a_sweep(void **state)
{
    struct form f;
    struct str line = {0};
    form_init(&f, &engine);
    const int beta = form_find(&f, "beta"), lr = form_find(&f, "lr");
    assert_false(form_is_sweep(&f));
    put(&f, "beta", "0.1,20");
    assert_true(strstr(f.fields[beta].fault, "beta")); // 20 is beyond its range
    put(&f, "beta", "0.1,,0.3");
    assert_true(strstr(f.fields[beta].fault, "hole"));
    put(&f, "beta", "0.3,0.3");
    assert_true(strstr(f.fields[beta].fault, "twice"));
    put(&f, "beta", "0.1,0.3,1");
    put(&f, "lr", "1e-5,1e-4");
    put(&f, "recompute", "yes");
    put(&f, "at-most", "2");
    assert_int_equal(f.fields[beta].fault[0], '\0');
    assert_int_equal(f.fields[lr].n_values, 2);
    assert_int_equal(form_n_runs(&f), 6);
    form_command_line(&f, &line);
    assert_string_equal(str_text(&line), "attune sweep --objective dpo --model ... --data ... --set beta=0.1,0.3,1 --set "
                                         "lr=1e-5,1e-4 --recompute yes --at-most 2");
    json_t *given = form_settings(&f, true), *lists = form_lists(&f), *first = form_first_settings(&f);
    assert_null(json_object_get(given, "beta"));
    assert_null(json_object_get(given, "at-most"));
    assert_true(json_is_true(json_object_get(given, "recompute")));
    assert_string_equal(json_string_value(json_object_get(lists, "lr")), "1e-5,1e-4");
    assert_true(json_real_value(json_object_get(first, "lr")) == 1e-5);
    json_decref(given);
    json_decref(lists);
    json_decref(first);
    put(&f, "beta", "0.3");
    put(&f, "lr", "1e-4");
    str_clear(&line);
    form_command_line(&f, &line); // how a sweep is to go is no option of train
    assert_string_equal(str_text(&line),
                        "attune train --objective dpo --model ... --data ... --beta 0.3 --lr 1e-4 --recompute yes");
    put(&f, "name", "a,b");
    assert_int_equal(form_n_runs(&f), 1);
    str_fini(&line);
    form_fini(&f);
}

static void what_is_another_than_in_the_copied_run_is_said(void **state)
{
    struct form f;
    struct str text = {0};
    form_init(&f, &engine);
    put(&f, "beta", "0.3");
    json_t *before = form_texts(&f);
    put(&f, "beta", "0.30"); // the same number
    put(&f, "name", "other");
    assert_int_equal(form_differences(&f, before, &text), 0);
    put(&f, "beta", "0.1,0.5");
    put(&f, "lr", "2e-5");
    assert_int_equal(form_differences(&f, before, &text), 2);
    assert_string_equal(str_text(&text), "beta 0.3 -> 0.1,0.5, lr 1e-5 -> 2e-5");
    assert_true(form_differs(&f, before, form_find(&f, "lr")));
    assert_false(form_differs(&f, before, form_find(&f, "recompute")));
    json_decref(before);
    str_fini(&text);
    form_fini(&f);
}

static void a_preset_is_the_form_again(void **state)
{
    struct form f;
    struct err fault = {0};
    char *dir = test_folder(), *file = path_join(dir, "presets/broken.json");
    form_init(&f, &engine);
    put(&f, "beta", "0.1,0.5");
    put(&f, "lr", "2e-5");
    put(&f, "name", "mine");
    assert_ok(form_save_preset(&f, dir, "two", e));
    form_reset(&f, form_find(&f, "beta"));
    put(&f, "objective", "sft");
    put(&f, "recompute", "yes");
    assert_ok(form_load_preset(&f, dir, "two", e));
    assert_string_equal(f.fields[FORM_OBJECTIVE].text, "dpo");
    assert_string_equal(f.fields[FORM_NAME].text, "");
    assert_string_equal(f.fields[form_find(&f, "beta")].text, "0.1,0.5");
    assert_string_equal(f.fields[form_find(&f, "recompute")].text, "no");
    assert_true(strtod(f.fields[form_find(&f, "lr")].text, NULL) == 2e-5);
    assert_int_equal(form_load_preset(&f, dir, "tow", &fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, "did you mean two"));
    assert_int_not_equal(form_save_preset(&f, dir, "../out", &fault), 0);
    assert_ok(file_write(file, "{}", 2, e));
    assert_int_equal(form_load_preset(&f, dir, "broken", &fault), ERR_INPUT);
    assert_string_equal(f.fields[form_find(&f, "beta")].text, "0.1,0.5"); // untouched
    form_fini(&f);
    free(file);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_checks_values_and_says_the_command),
        cmocka_unit_test(the_form_refuses_data_of_another_kind),
        cmocka_unit_test(fields_are_found_by_name_and_then_by_meaning),
        cmocka_unit_test(the_menu_finds_objectives_by_typing),
        cmocka_unit_test(the_form_gives_all_settings_and_takes_them_again),
        cmocka_unit_test(listed_values_make_a_sweep),
        cmocka_unit_test(what_is_another_than_in_the_copied_run_is_said),
        cmocka_unit_test(a_preset_is_the_form_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
