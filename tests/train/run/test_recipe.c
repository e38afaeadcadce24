// Recipes: what a file may say and what is refused with its line; what a plan knows before anything has run; and experiments
// of stages, which killed and resumed end with the bits of one left alone.
#include "config.h"

#include "whole.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "store/run_best.h"
#include "train/run/checkpoint.h"
#include "train/run/recipe.h"

// The call names its error `fault`.
#define assert_fault(call, wanted)                                                                 \
    do {                                                                                           \
        struct err assert_err = {0}, *fault = &assert_err;                                         \
        const int code = (call);                                                                   \
        if (code >= 0 || code != fault->code || !strstr(fault->text, wanted))                      \
            fail_msg("%s: %d, \"%s\", not \"%s\"", #call, code, fault->text, wanted);              \
    } while (0)

// ---- the file ----

static const char good[] = "title = Two  # a comment\n"
                           "about = first half,\n"
                           "; a whole line\n"
                           "about = second half\n"
                           "\n"
                           "[inputs]\n"
                           "model = m#1\n"
                           "extra =\n"
                           "more = $model/x\n"
                           "[defaults]\n"
                           "data = $data\n"
                           "[sft]\n"
                           "  objective = sft\n"
                           "model = $model\n"
                           "[repeat 2]\n"
                           "[policy]\n"
                           "objective = dpo\n"
                           "model = {policy or sft}\n"
                           "system = {{$$ {sft.run} $more\n"
                           "[rm]\n"
                           "objective = rm\n"
                           "model = { policy }\r\n"
                           "[end]\n";

static char *value_of(const struct recipe *r, size_t stage, const char *key)
{
    char *value = recipe_value(r, stage, recipe_line(&r->stages[stage].lines, key), NULL, NULL);
    assert_non_null(value);
    return value;
}

static void assert_value(const struct recipe *r, size_t stage, const char *key, const char *want)
{
    char *value = value_of(r, stage, key);
    assert_string_equal(value, want);
    free(value);
}

static void a_file_becomes_stages(void **state)
{
    static const char *const names[] = {"sft", "policy.1", "rm.1", "policy.2", "rm.2"};
    struct recipe r;
    assert_ok(recipe_parse(&r, "two.conf", good, e));
    assert_string_equal(r.title, "Two");
    assert_string_equal(r.about, "first half, second half");
    assert_int_equal(r.n_stages, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(r.stages[i].name, names[i]);
    assert_value(&r, 0, "model", "m#1");
    assert_value(&r, 1, "model", "{sft}");
    assert_value(&r, 2, "model", "{policy.1}");
    assert_value(&r, 3, "model", "{policy.1}");
    assert_value(&r, 4, "model", "{policy.2}");
    assert_null(recipe_input(&r, "extra"));
    assert_null(recipe_input(&r, "data"));
    assert_string_equal(recipe_line(&r.stages[4].lines, "model")->where, "two.conf:22");
    recipe_fini(&r);
}

static const char *say(void *with, size_t stage, bool as_run, struct err *fault)
{
    static char text[40];
    snprintf(text, sizeof text, "%s%zu", as_run ? "run" : "dir", stage);
    return text;
}

static void values_are_filled(void **state)
{
    struct recipe_names names = {{"sft", "policy.1"}, 2};
    struct recipe r;
    assert_ok(recipe_parse(&r, "two.conf", good, e));
    char *value = value_of(&r, 1, "system"), *filled = recipe_fill(&names, value, say, NULL, NULL);
    assert_string_equal(filled, "{$ run0 m#1/x");
    free(filled);
    filled = recipe_fill(&names, "a{policy.1}b{sft}{other}", say, NULL, NULL);
    assert_string_equal(filled, "adir1bdir0{other}");
    free(filled);
    free(value);
    recipe_fini(&r);
}

static void changes_reach_every_round(void **state)
{
    struct recipe r;
    assert_ok(recipe_parse(&r, "two.conf", good, e));
    assert_ok(recipe_set(&r, "policy.lr=1e-6", e));
    assert_ok(recipe_set(&r, "policy.2.beta=0.5", e));
    assert_ok(recipe_set(&r, "inputs.model=$a{b}", e)); // as it stands
    assert_value(&r, 1, "lr", "1e-6");
    assert_value(&r, 3, "lr", "1e-6");
    assert_null(recipe_line(&r.stages[1].lines, "beta"));
    assert_value(&r, 3, "beta", "0.5");
    assert_value(&r, 0, "model", "$a{{b}");
    assert_fault(recipe_set(&r, "polcy.lr=1", fault), "did you mean policy");
    assert_fault(recipe_set(&r, "inputs.modl=1", fault), "did you mean model");
    assert_fault(recipe_set(&r, "lr=1", fault), "stage.key=value");
    recipe_fini(&r);
}

#define SFT "[sft]\nobjective = sft\nmodel = $model\ndata = $data\n"

static void what_is_no_recipe_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *want;
    } bad[] = {
        {"", "has no stage"},
        {"titel = x\n" SFT, "x.conf:1: before the first section stand"},
        {"title = x\ntitle = y\n" SFT, "x.conf:2: title is there twice"},
        {"lr\n", "x.conf:1: \"lr\" is neither"},
        {"\n[sft\n", "x.conf:2: [sft: the ]"},
        {"[SFT]\n", "x.conf:1: [SFT] is no section"},
        {"[sft]\nlr = 1\n", "x.conf:1: stage sft has no objective"},
        {SFT "lr = 1\nlr = 2\n", "x.conf:6: lr was given at x.conf:5"},
        {SFT SFT, "x.conf:5: there is a stage sft already, at x.conf:1"},
        {"[end]\n", "x.conf:1: [end] without"},
        {"[repeat 2]\n[end]\n", "x.conf:1: there is no stage to repeat"},
        {"[repeat 0]\n" SFT "[end]\n", "x.conf:1: [repeat 0]: say how often"},
        {"[repeat 2]\n" SFT, "x.conf:1: [repeat] has no [end]"},
        {"[repeat 2]\n[repeat 2]\n", "x.conf:2: [repeat] inside"},
        {"[repeat 60]\n" SFT "[b]\nobjective = sft\n[end]\n", "more than 64 stages"},
        {"[repeat 2]\nlr = 1\n", "x.conf:2: lr = ... stands in no section"},
        {"[inputs]\nMy = 1\n" SFT, "x.conf:2: \"My\" is no name"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct recipe r;
        assert_fault(recipe_parse(&r, "x.conf", bad[i].text, fault), bad[i].want);
        recipe_fini(&r);
    }
}

// ---- checking ----

static int check_text(const char *text, bool plan, json_t **out, struct err *fault)
{
    struct recipe r;
    struct recipe_asked asked = {.plan = plan};
    struct str model = {0}, data = {0};
    str_addf(&model, "inputs.model=%s", world.model_dir);
    str_addf(&data, "inputs.data=%s", world.pairs_path);
    assert_ok(recipe_parse(&r, "x.conf", text, e));
    assert_ok(recipe_set(&r, str_text(&model), e));
    assert_ok(recipe_set(&r, str_text(&data), e));
    int code = recipe_check(&r, &asked, out, fault);
    recipe_fini(&r);
    str_fini(&model);
    str_fini(&data);
    return code;
}

static void what_no_run_could_be_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *want;
    } bad[] = {
        {"[a]\nobjective = dop\n", "x.conf:2: there is no objective"},
        {SFT "bta = 1\n", "x.conf:5: stage sft: its objective has no setting \"bta\""},
        {SFT "max-lenght = 1\n", "did you mean max-length"},
        {SFT "lr = fast\n", "x.conf:5: --lr: \"fast\" is not a number"},
        {SFT "lr = {sft}\n", "x.conf:5: {sft}: no such stage stands before sft"},
        {SFT "[b]\nobjective = sft\nmodel = $model\ndata = $data\nlr = {sft}\n", "x.conf:9: lr is no path or text"},
        {SFT "[b]\nobjective = sft\nmodel = {stf}\n", "x.conf:7: {stf}: no such stage stands before b; did you mean sft"},
        {SFT "[b]\nobjective = sft\nmodel = {sft\n", "x.conf:7: the } of {sft is missing"},
        {SFT "eval-data = nowhere.jsonl\n", "x.conf:5: there is no file or folder nowhere.jsonl"},
        {SFT "system = $who\n", "x.conf:5: $who is no input"},
        {"[inputs]\na = $b\nb = $a\n" SFT "system = $a\n", "in a circle"},
        {"[defaults]\nbta = 1\n" SFT, "x.conf:2: no stage's objective has a setting \"bta\""},
        {"[a]\nobjective = sft\ndata = $data\n", "x.conf:1: stage a does not say its model"},
        {"[a]\nobjective = sft\nmodel = $model\n", "x.conf:1: stage a does not say its data"},
        {"[rm]\nobjective = rm\nmodel = $model\ndata = $data\n[b]\nobjective = dpo\nmodel = {rm}\ndata = $data\n",
         "x.conf:5: stage b starts from rm, which is a reward model"},
        {SFT "[p]\nobjective = rloo\nmodel = {sft}\nreward-model = {sft}\ndata = $data\n",
         "x.conf:5: stage p: answers are scored by sft, which is no reward model (sft)"},
        {SFT "[p]\nobjective = rloo\nmodel = {sft}\nrewards = length:1..9,model:{sft}@0\ndata = $data\n",
         "x.conf:5: stage p: answers are scored by sft, which is no reward model (sft)"},
        {SFT "[p]\nobjective = rloo\nmodel = {sft}\nrewards = preference:{sft}\ndata = $data\n",
         "x.conf:5: stage p: answers are scored by sft, which is no preference model (sft)"},
        {SFT "[p]\nobjective = rloo\nmodel = {sft}\nreward-model = $model\ndata = $data\nmax-length = 48\n"
             "max-new-tokens = 8\n", "scores nothing: train one with the objective rm"},
        {SFT "[p]\nobjective = rloo\nmodel = {sft}\ndata = $data\n", "x.conf:5: stage p: there is no reward to learn from"},
        {SFT "lora-rank = 2\n[b]\nobjective = dpo\nmodel = {sft}\ndata = $data\nlora-rank = 2\n",
         "x.conf:6: stage b starts from sft, which is an adapter"},
        {SFT "[b]\nobjective = dpo\nmodel = {sft}\ndata = $data\nadapter = continue\n",
         "x.conf:5: stage b is to continue the adapter of sft, which makes none"},
        {SFT "[b]\nobjective = dpo\nmodel = {sft}\ndata = $data\nlora-rank = 2\nlora-targets = no_proj\n",
         "x.conf:5: stage b: "},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *out = NULL;
        struct err fault = {0};
        const int code = check_text(bad[i].text, false, &out, &fault);
        if (!code || !strstr(fault.text, bad[i].want))
            fail_msg("%s: \"%s\", not \"%s\"", bad[i].text, fault.text, bad[i].want);
        assert_true(code < 0 && code == fault.code);
        json_decref(out);
    }
}

static const json_t *stage(const json_t *plan, size_t i)
{
    return json_array_get(json_object_get(plan, "stages"), i);
}

static void assert_setting(const json_t *plan, const char *key, const char *want)
{
    const char *have = json_string_value(json_object_get(json_object_get(stage(plan, 0), "settings"), key));
    assert_non_null(have);
    if (strcmp(have, want) != 0)
        fail_msg("%s is \"%s\", not \"%s\"", key, have, want);
}

// Data, programs and folders of rewards alike: of the file from its folder, typed ones from where the person stands.
static void paths_are_meant_from_the_recipes_folder(void **state)
{
    static const char text[] = "[p]\nobjective = rloo\nmodel = $model\ndata = d.jsonl\nreward-command = sh s.sh\n"
                               "rewards = command:./s.sh@0.5\nmax-length = 48\nmax-new-tokens = 8\n";
    char *dir = path_join(world.dir, "of-recipe"), *here = getcwd(NULL, 0), *away = path_join(world.dir, "away"), *bytes;
    size_t n;
    struct recipe r;
    struct recipe_asked asked = {0};
    struct str model = {0}, file = {0}, want = {0};
    json_t *out;
    assert_int_equal(mkdir(dir, 0777) | mkdir(away, 0777), 0);
    char *beside = realpath(dir, NULL), *typed = realpath(away, NULL);
    assert_ok(file_read(world.pairs_path, 1 << 24, &bytes, &n, e));
    str_addf(&model, "inputs.model=%s", world.model_dir);
    str_addf(&file, "%s/x.conf", beside);
    assert_int_equal(chdir(beside), 0);
    assert_ok(file_write("d.jsonl", bytes, n, e));
    assert_ok(file_write("s.sh", "x", 1, e));
    assert_int_equal(chmod("s.sh", 0755), 0);
    assert_int_equal(chdir(typed), 0);
    assert_ok(file_write("s.sh", "x", 1, e));
    assert_int_equal(chmod("s.sh", 0755), 0);
    assert_ok(recipe_parse(&r, str_text(&file), text, e));
    assert_ok(recipe_set(&r, str_text(&model), e));
    assert_ok(recipe_check(&r, &asked, &out, e));
    str_addf(&want, "cd '%s' && sh s.sh", beside);
    assert_setting(out, "reward-command", str_text(&want));
    str_clear(&want);
    str_addf(&want, "command:cd '%s' && ./s.sh@0.5", beside);
    assert_setting(out, "rewards", str_text(&want));
    str_clear(&want);
    str_addf(&want, "%s/d.jsonl", beside);
    assert_setting(out, "data", str_text(&want));
    json_decref(out);
    assert_ok(recipe_set(&r, "p.reward-command=./s.sh", e));
    assert_ok(recipe_check(&r, &asked, &out, e));
    str_clear(&want);
    str_addf(&want, "cd '%s' && ./s.sh", typed);
    assert_setting(out, "reward-command", str_text(&want));
    json_decref(out);
    assert_int_equal(chdir(here), 0);
    recipe_fini(&r);
    str_fini(&model);
    str_fini(&file);
    str_fini(&want);
    free(bytes);
    free(beside);
    free(typed);
    free(dir);
    free(away);
    free(here);
}

static double memory_of(const json_t *plan, size_t i)
{
    return json_number_value(json_object_get(json_object_get(stage(plan, i), "memory"), "bytes"));
}

// Weights, gradients and moments of the adapter alone, whose rank is that of the stage that made it.
static void a_plan_continues_adapters(void **state)
{
    json_t *out = NULL;
    const char *text = SFT "lora-rank = 2\n[b]\nobjective = dpo\nmodel = {sft}\ndata = $data\nadapter = continue\n"
                           "[c]\nobjective = dpo\nmodel = {b}\ndata = $data\nadapter = continue\n"
                           "[d]\nobjective = dpo\nmodel = {c}\ndata = $data\n";
    assert_ok(check_text(text, false, &out, e));
    const double adapter = memory_of(out, 1) - memory_of(out, 0); // the same but for the reference's copy
    assert_true(adapter > 0 && fmod(adapter, 8) == 0);
    assert_close(memory_of(out, 2), memory_of(out, 1), 0);
    assert_true(memory_of(out, 3) > memory_of(out, 2)); // all weights, the adapter merged
    json_decref(out);
}

// 3 * 9/10 epochs in batches of 4; a stage given in steps needs no data for that.
static void a_plan_counts_steps(void **state)
{
    json_t *out = NULL;
    const char *text = SFT "epochs = 3\nbatch-size = 4\n[b]\nobjective = dpo\nmodel = {sft}\ndata = $data\nsteps = 7\n";
    struct corpus *c;
    assert_ok(corpus_load(&c, world.pairs_path, 0, e));
    const int64_t want = (int64_t)ceil(3 * 0.9 * (double)c->n_examples / 4);
    assert_ok(check_text(text, false, &out, e));
    assert_int_equal(json_integer_value(json_object_get(stage(out, 0), "steps")), want);
    assert_int_equal(json_integer_value(json_object_get(stage(out, 1), "steps")), 7);
    assert_true(json_is_null(json_object_get(stage(out, 1), "seconds"))); // nobody asked
    json_decref(out);
    assert_ok(check_text(text, true, &out, e));
    assert_true(json_number_value(json_object_get(stage(out, 0), "seconds")) > 0);
    json_decref(out);
    corpus_free(c);
}

// Weights, gradients, two moments in f32: 16 bytes a parameter, whatever the run has beside them.
static void a_plan_without_weights_knows_the_memory(void **state)
{
    struct recipe r;
    struct str text = {0};
    json_t *out = NULL, *config = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:s}", "model_type", "llama",
                                            "vocab_size", 1000, "hidden_size", 64, "intermediate_size", 128,
                                            "num_hidden_layers", 2, "num_attention_heads", 4, "max_position_embeddings",
                                            256, "tie_word_embeddings", 1, "torch_dtype", "float16");
    char *path = path_join(world.dir, "planned.json"), *recipe = path_join(world.dir, "planned.conf");
    assert_ok(json_write(path, config, e));
    str_addf(&text, "config = planned.json\n" SFT "steps = 4\nprobe-every = 0\nmax-batch-tokens = 16\n"
                    "[rm]\nobjective = rm\nmodel = {sft}\ndata = $data\nprobe-every = 0\nmax-batch-tokens = 16\n");
    assert_ok(recipe_parse(&r, recipe, str_text(&text), e));
    assert_fault(recipe_check(&r, &(struct recipe_asked){0}, &out, fault), "model is not known: give --model DIR");
    assert_ok(recipe_check(&r, &(struct recipe_asked){.plan = true}, &out, e));
    const double layer = 4 * 64 * 64 + 3 * 64 * 128 + 2 * 64, params = 1000 * 64 + 2 * layer + 64;
    assert_true(memory_of(out, 0) > 16 * params && memory_of(out, 0) < 16 * params + (1 << 20));
    assert_true(memory_of(out, 1) > 16 * params && memory_of(out, 1) < 16 * params + (1 << 20));
    assert_int_equal(json_array_size(json_object_get(stage(out, 0), "missing")), 2);
    assert_int_equal(json_array_size(json_object_get(stage(out, 1), "missing")), 1);
    json_decref(out);
    json_decref(config);
    recipe_fini(&r);
    str_fini(&text);
    free(path);
    free(recipe);
}

// ---- running ----

#define RUN "save-every = 9\nbatch-size = 4\nlr = 0.003\nthreads = 1\nprobe-every = 0\neval-every = 5\n"

static const char two[] = SFT RUN "steps = 60\n[dpo]\nobjective = dpo\nmodel = {sft}\ndata = $data\n" RUN "steps = 60\n";

static void add_recipe(const char *name, const char *text)
{
    struct store *s;
    char *made = NULL;
    json_t *plan = NULL;
    assert_ok(check_text(text, false, &plan, e));
    json_t *settings = json_pack("{s:s, s:o}", "recipe", "x.conf", "plan", plan);
    assert_ok(store_open(&s, project, true, e));
    assert_ok(store_add_run(s, name, "recipe", world.model_dir, world.pairs_path, settings, &made, e));
    store_close(s);
    json_decref(settings);
    free(made);
}

static struct run_status status_of(const char *name)
{
    struct store *s;
    struct run_reader *r;
    struct run_status status = {.state = RUN_QUEUED};
    assert_ok(store_open(&s, project, false, e));
    char *dir = store_run_dir(s, name);
    if (run_reader_open(&r, dir, NULL) == 0) {
        if (run_reader_status(r, &status, NULL))
            status.state = RUN_QUEUED;
        run_reader_close(r);
    }
    store_close(s);
    free(dir);
    return status;
}

static void wait_for(const char *name, int64_t step)
{
    for (int i = 0; i < 20000 && status_of(name).step < step; i++)
        wait_ms(2);
    assert_true(status_of(name).step >= step);
}

static void kill_part(const char *name)
{
    const struct run_status s = status_of(name);
    if (run_state_is_live(s.state) && s.pid > 0)
        kill(s.pid, SIGKILL);
    for (int i = 0; i < 2000 && run_state_is_live(status_of(name).state); i++)
        wait_ms(2);
}

static json_t *recorded(const char *name)
{
    char *dir = run_dir(name), *path = path_join(dir, "recipe.json");
    json_t *out = NULL;
    assert_ok(json_read(path, 1 << 20, &out, e));
    free(dir);
    free(path);
    return out;
}

// The second stage is the run that somebody would have started by hand from the first one's checkpoint.
static void stages_start_from_one_another(void **state)
{
    struct str extra = {0};
    add_recipe("whole", two);
    run_to_end("whole");
    assert_int_equal(status_of("whole").state, RUN_DONE);
    assert_int_equal(status_of("whole").step, 120);
    assert_int_equal(status_of("whole").total_steps, 120);
    char *sft = run_dir("whole.sft"), *dpo = run_dir("whole.dpo"), *dir = run_dir("whole");
    str_addf(&extra, "model=%s/checkpoints/step-60 save-every=9 eval-every=5 probe-every=0", sft);
    add_run("hand", "dpo", str_text(&extra));
    run_to_end("hand");
    assert_same_run("hand", "whole.dpo", "model.safetensors");
    json_t *out = recorded("whole");
    char sha256[65], *from = path_join(sft, "checkpoints/step-60"), *to = path_join(dpo, "checkpoints/step-60");
    int64_t bytes;
    assert_ok(checkpoint_digest(from, sha256, &bytes, e));
    const json_t *gave = json_object_get(stage(out, 0), "gave"), *took = json_object_get(stage(out, 1), "took");
    assert_string_equal(json_string_value(json_object_get(gave, "sha256")), sha256);
    assert_string_equal(json_string_value(json_object_get(gave, "checkpoint")), from);
    assert_string_equal(json_string_value(json_object_get(took, "model")), from);
    assert_string_equal(json_string_value(json_object_get(json_object_get(took, "from"), "model")), "{sft}");
    assert_int_equal(strlen(json_string_value(json_object_get(took, "data_hash"))), 64);
    assert_string_equal(json_string_value(json_object_get(json_object_get(stage(out, 1), "gave"), "checkpoint")), to);
    assert_int_equal(count_events("whole", "stage", "takes the model"), 2);
    assert_int_equal(count_events("whole", "stage", "gave"), 2);
    size_t n, m;
    char *x = bytes_of("whole", "checkpoints/step-120/model.safetensors", &n);
    char *y = bytes_of("whole.dpo", "checkpoints/step-60/model.safetensors", &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
    char *paths[] = {sft, dpo, dir, from, to};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        free(paths[i]);
    json_decref(out);
    str_fini(&extra);
}

// In each stage: its engine, and then the experiment's.
static void killed_experiments_go_on_where_they_were(void **state)
{
    add_recipe("killed", two);
    pid_t pid = start("killed", 0);
    wait_for("killed.sft", 6);
    kill(pid, SIGKILL);
    finish(pid);
    kill_part("killed.sft");
    pid = start("killed", 0);
    wait_for("killed.dpo", 10);
    kill(pid, SIGKILL);
    finish(pid);
    kill_part("killed.dpo");
    assert_true(status_of("killed.dpo").step < 60); // in the middle
    run_to_end("killed");
    assert_same_run("whole.sft", "killed.sft", "model.safetensors");
    assert_same_run("whole.dpo", "killed.dpo", "model.safetensors");
    assert_int_equal(count_events("killed.sft", "end", "done"), 1); // it was not run again
    assert_int_equal(status_of("killed").step, 120);
    json_t *a = recorded("whole"), *b = recorded("killed");
    for (size_t i = 0; i < 2; i++)
        assert_true(json_equal(json_object_get(json_object_get(stage(a, i), "gave"), "sha256"),
                               json_object_get(json_object_get(stage(b, i), "gave"), "sha256")));
    json_decref(a);
    json_decref(b);
}

static void a_stop_reaches_the_stage_and_resuming_goes_on(void **state)
{
    add_recipe("stopped", two);
    pid_t pid = start("stopped", 0);
    wait_for("stopped.dpo", 5);
    post("stopped", CONTROL_STOP, "", "");
    assert_int_equal(finish(pid), 0);
    assert_int_equal(status_of("stopped").state, RUN_STOPPED);
    assert_int_equal(status_of("stopped.dpo").state, RUN_STOPPED);
    run_to_end("stopped");
    assert_same_run("whole.dpo", "stopped.dpo", "model.safetensors");
}

// The second round from the first one, not from where that had started.
static void rounds_go_on_from_one_another(void **state)
{
    add_recipe("rounds", SFT RUN "steps = 4\n[repeat 2]\n[dpo]\nobjective = dpo\nmodel = {dpo or sft}\ndata = $data\n" RUN
                         "steps = 3\n[end]\n");
    run_to_end("rounds");
    json_t *out = recorded("rounds");
    for (size_t i = 1; i < 3; i++) {
        const json_t *before = json_object_get(stage(out, i - 1), "gave"), *took = json_object_get(stage(out, i), "took");
        assert_true(json_equal(json_object_get(before, "checkpoint"), json_object_get(took, "model")));
    }
    json_decref(out);
}

// Imitation, a reward model, and a policy that the reward model scores.
static void rewards_come_from_a_stage(void **state)
{
    add_recipe("rlhf", SFT RUN "steps = 3\n[rm]\nobjective = rm\nmodel = {sft}\ndata = $data\n" RUN
                       "steps = 3\n[policy]\nobjective = rloo\nmodel = {sft}\nreward-model = {rm}\ndata = $data\n" RUN
                       "steps = 2\nsamples = 2\nmax-new-tokens = 4\n");
    run_to_end("rlhf");
    assert_int_equal(status_of("rlhf").step, 8);
    json_t *out = recorded("rlhf");
    assert_true(json_equal(json_object_get(json_object_get(stage(out, 1), "gave"), "checkpoint"),
                           json_object_get(json_object_get(stage(out, 2), "settings"), "reward-model")));
    json_decref(out);
}

// By a measure that says the worst is best, an early checkpoint is it, and the next stage starts from there.
static void the_best_checkpoint_goes_on(void **state)
{
    add_recipe("best", SFT
               "keep-best = max:eval/loss\nbatch-size = 4\nlr = 0.003\nthreads = 1\nprobe-every = 0\neval-every = 2\n"
               "save-every = 2\nsteps = 12\n[dpo]\nobjective = dpo\nmodel = {sft}\ndata = $data\n" RUN "steps = 2\n");
    run_to_end("best");
    struct run_best best;
    char *dir = run_dir("best.sft");
    struct str want = {0};
    assert_ok(run_best_read(dir, &best, e));
    assert_true(best.step < 12);
    str_addf(&want, "%s/checkpoints/step-%lld", dir, (long long)best.step);
    json_t *out = recorded("best");
    const json_t *gave = json_object_get(stage(out, 0), "gave"), *took = json_object_get(stage(out, 1), "took");
    assert_string_equal(json_string_value(json_object_get(took, "model")), str_text(&want));
    assert_string_equal(json_string_value(json_object_get(gave, "checkpoint")), str_text(&want));
    assert_int_equal(json_integer_value(json_object_get(gave, "step")), best.step);
    json_decref(out);
    str_fini(&want);
    free(dir);
}

static void names_of_others_are_refused(void **state)
{
    add_run("taken.dpo", "dpo", "");
    wait_ms(5);
    add_recipe("taken", two);
    assert_int_equal(finish(start("taken", 0)), err_exit_status(ERR_STATE));
    assert_int_equal(count_events("taken", "end", "taken.dpo already"), 1);
    assert_int_equal(status_of("taken.sft").state, RUN_QUEUED); // nothing was started
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_becomes_stages),
        cmocka_unit_test(values_are_filled),
        cmocka_unit_test(changes_reach_every_round),
        cmocka_unit_test(what_is_no_recipe_is_refused_with_its_line),
        cmocka_unit_test(what_no_run_could_be_is_refused_with_its_line),
        cmocka_unit_test(paths_are_meant_from_the_recipes_folder),
        cmocka_unit_test(a_plan_counts_steps),
        cmocka_unit_test(a_plan_continues_adapters),
        cmocka_unit_test(a_plan_without_weights_knows_the_memory),
        cmocka_unit_test(stages_start_from_one_another),
        cmocka_unit_test(killed_experiments_go_on_where_they_were),
        cmocka_unit_test(a_stop_reaches_the_stage_and_resuming_goes_on),
        cmocka_unit_test(rounds_go_on_from_one_another),
        cmocka_unit_test(rewards_come_from_a_stage),
        cmocka_unit_test(the_best_checkpoint_goes_on),
        cmocka_unit_test(names_of_others_are_refused),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
