#include "config.h"

#include "ui/compare_page.h"

#include <math.h>

#include "base/json.h"
#include "launch/engine.h"

char *demo, *changed;
const char question[] = "Once upon a time there was a fox.";

static void copy_file(const char *from_dir, const char *to_dir, const char *name, bool damage)
{
    char *from = path_join(from_dir, name), *to = path_join(to_dir, name), *bytes;
    size_t n;
    assert_ok(file_read(from, 64 << 20, &bytes, &n, e));
    if (damage)
        memset(bytes + n / 2, 0, 8192);
    assert_ok(file_write(to, bytes, n, e));
    free(bytes);
    free(from);
    free(to);
}

void compare_copy_model(const char *to, bool damage)
{
    static const char *const names[] = {"config.json",     "model.safetensors", "special_tokens_map.json",
                                        "text_rules.json", "tokenizer.json",    "tokenizer_config.json"};
    assert_ok(file_make_dirs(to, e));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        copy_file(demo, to, names[i], damage && i == 1);
}

// A run with two checkpoints that differ, and two samples of one prompt.
static void add_run(struct store *s)
{
    struct run_writer *w;
    char *name;
    json_t *settings = json_pack("{s:f, s:i}", "beta", 0.1, "seed", 1);
    assert_ok(store_add_run(s, "dpo-1", "dpo", demo, "", settings, &name, e));
    char *dir = store_run_dir(s, name);
    assert_ok(run_writer_open(&w, dir, e));
    assert_ok(run_writer_begin(w, e));
    for (int i = 1; i <= 2; i++) {
        struct str path = {0}, text = {0};
        str_addf(&path, "checkpoints/step-%d", 100 * i);
        char *folder = path_join(dir, str_text(&path));
        compare_copy_model(folder, i == 2);
        assert_ok(run_writer_checkpoint(
            w, &(struct run_checkpoint){.step = 100 * i, .at_ms = i, .path = (char *)str_text(&path)}, e));
        str_addf(&text, " It slept %s.", i == 1 ? "well" : "badly");
        assert_ok(run_writer_sample(
            w,
            &(struct run_sample){
                .at_ms = i, .step = 100 * i, .prompt = (char *)question, .response = text.data, .logp = -1, .reward = NAN},
            e));
        free(folder);
        str_fini(&path);
        str_fini(&text);
    }
    struct run_status status = {.state = RUN_DONE, .step = 200, .total_steps = 200};
    run_status_self(&status);
    assert_ok(run_writer_status(w, &status, e));
    assert_ok(run_writer_commit(w, e));
    run_writer_close(w);
    json_decref(settings);
    free(name);
    free(dir);
}

int compare_set_up(void **state)
{
    struct store *s;
    char *engine = test_build("attune-engine");
    setenv("ATTUNE_ENGINE", engine, 1); // this program asks it as well
    free(engine);
    project = test_folder();
    demo = test_source("share/attune/models/demo");
    char *absolute = realpath(demo, NULL);
    free(demo);
    demo = absolute;
    changed = path_join(project, "changed");
    compare_copy_model(changed, true);
    assert_ok(store_open(&s, project, true, e));
    add_run(s);
    store_close(s);
    char *file = path_join(project, "prompts.txt");
    const char lines[] = "The owl said:\n\nThe hen said:\nThe bear said:\n";
    assert_ok(file_write(file, lines, strlen(lines), e));
    free(file);
    return 0;
}

int compare_tear_down(void **state)
{
    free(demo);
    free(changed);
    return fixture_tear_down(state);
}

json_t *compare_answer_of(const char *model, const char *seed, const char *prompt)
{
    json_t *row = NULL;
    assert_ok(engine_call((const char *[]){"sample", "--model", model, "--temperature", "0.7", "--max-tokens", "200",
                                           "--seed", seed, prompt, NULL},
                          &row, e));
    return row;
}

void compare_beginning(const char *model, const char *seed, const char *prompt, char out[24])
{
    json_t *row = compare_answer_of(model, seed, prompt);
    text_copy(out, 24, json_string_value(json_object_get(row, "text")));
    char *end = strrchr(out, ' ');
    if (end && end > out)
        *end = '\0';
    out[strcspn(out, "\n")] = '\0';
    json_decref(row);
}

void compare_start(struct rig *r, int width, int height)
{
    rig_start(r, &(struct rig_options){.project = project, .width = width, .height = height, .keeps_session = true});
    rig_wait(r, "dpo-1");
    rig_send(r, "5");
    rig_wait(r, "[5 Compare]");
}

void compare_ask(struct rig *r, const char *prompt)
{
    struct str line = {0};
    str_addf(&line, "ask %s", prompt);
    rig_command(r, str_text(&line));
    str_fini(&line);
}

void compare_two_sides(struct rig *r, int width, int height)
{
    compare_start(r, width, height);
    rig_command(r, "compare dpo-1@100 dpo-1@200");
    rig_wait(r, "B dpo-1@200");
    compare_ask(r, question);
    rig_wait(r, "A and B share");
    rig_wait_gone(r, "tok ...");
}
