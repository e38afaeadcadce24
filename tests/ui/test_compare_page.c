// Checkpoints side by side, with real models that answer: what is asked and shown, votes as labels, and the bars (how soon
// the first token is there, whether four streams hold up keys, that nothing outlives the console).
#include "config.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "corpus/corpus.h"
#include "launch/engine.h"
#include "store/labels.h"
#include "ui/rig.h"

static char *project, *demo, *changed; // a folder of the model, and one of the model with some weights gone
static const char question[] = "Once upon a time there was a fox.";

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

static void copy_model(const char *to, bool damage)
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
        copy_model(folder, i == 2);
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

static int set_up(void **state)
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
    copy_model(changed, true);
    assert_ok(store_open(&s, project, true, e));
    add_run(s);
    store_close(s);
    char *file = path_join(project, "prompts.txt");
    const char lines[] = "The owl said:\n\nThe hen said:\nThe bear said:\n";
    assert_ok(file_write(file, lines, strlen(lines), e));
    free(file);
    return 0;
}

static int tear_down(void **state)
{
    assert_ok(file_remove_tree(project, e));
    free(project);
    free(demo);
    free(changed);
    return 0;
}

// What the command answers, and the page must too.
static json_t *answer_of(const char *model, const char *seed, const char *prompt)
{
    json_t *row = NULL;
    assert_ok(engine_call((const char *[]){"sample", "--model", model, "--temperature", "0.7", "--max-tokens", "200",
                                           "--seed", seed, prompt, NULL},
                          &row, e));
    return row;
}

// How the answer begins on the screen: words that fit into the first line of a side.
static void beginning(const char *model, const char *seed, const char *prompt, char out[24])
{
    json_t *row = answer_of(model, seed, prompt);
    text_copy(out, 24, json_string_value(json_object_get(row, "text")));
    char *end = strrchr(out, ' ');
    if (end && end > out)
        *end = '\0';
    out[strcspn(out, "\n")] = '\0';
    json_decref(row);
}

static void command(struct rig *r, const char *line)
{
    struct str keys = {0};
    str_addf(&keys, ":%s\r", line);
    rig_send(r, str_text(&keys));
    str_fini(&keys);
}

static void start(struct rig *r, int width, int height)
{
    rig_start(r, &(struct rig_options){.project = project, .width = width, .height = height, .keeps_session = true});
    rig_wait(r, "dpo-1");
    rig_send(r, "5");
    rig_wait(r, "[5 Compare]");
}

static void quit(struct rig *r)
{
    command(r, "runs");
    rig_wait(r, "[1 Runs]");
    rig_send(r, "q");
    assert_int_equal(rig_end(r), 0);
}

static void ask(struct rig *r, const char *prompt)
{
    struct str line = {0};
    str_addf(&line, "ask %s", prompt);
    command(r, str_text(&line));
    str_fini(&line);
}

static void two_sides(struct rig *r, int width, int height)
{
    start(r, width, height);
    command(r, "compare dpo-1@100 dpo-1@200");
    rig_wait(r, "B dpo-1@200");
    ask(r, question);
    rig_wait(r, "A and B share");
    rig_wait_gone(r, "tok ...");
}

static void checkpoints_answer_as_the_command_does(void **state)
{
    struct rig r;
    char a[24], b[24];
    beginning(demo, "1", question, a);
    beginning(changed, "1", question, b);
    two_sides(&r, 100, 30);
    rig_wait(&r, a);
    rig_wait(&r, b);
    rig_send(&r, "r"); // with the next seed
    beginning(demo, "2", question, a);
    rig_wait(&r, "seed 2");
    rig_wait(&r, a);
    quit(&r);
}

static void a_side_that_cannot_answer_says_why_and_others_go_on(void **state)
{
    struct rig r;
    char *reward = test_source("share/attune/models/demo-reward"), a[24];
    struct str line = {0};
    start(&r, 100, 30);
    str_addf(&line, "side %s", reward);
    command(&r, str_text(&line));
    rig_wait(&r, "A demo-reward");
    command(&r, "side dpo-1@100");
    rig_wait(&r, "B dpo-1@100");
    ask(&r, question);
    rig_wait(&r, "judges");
    beginning(demo, "1", question, a);
    rig_wait(&r, a);
    command(&r, "side nowhere");
    rig_wait(&r, "there is no run and no model folder nowhere");
    command(&r, "side dpo-1@7");
    rig_wait(&r, "keeps no checkpoint of step 7; there are: 200, 100");
    quit(&r);
    str_fini(&line);
    free(reward);
}

static void prompts_of_a_file_are_gone_through(void **state)
{
    struct rig r;
    struct str line = {0};
    two_sides(&r, 100, 30);
    str_addf(&line, "prompts %s/prompts.txt", project);
    command(&r, str_text(&line));
    rig_wait(&r, "Prompt 1 of 3");
    rig_wait(&r, "The owl said:");
    rig_send(&r, "jj");
    rig_wait(&r, "The bear said:");
    rig_send(&r, "k");
    rig_wait(&r, "The hen said:");
    rig_resize(&r, 200, 50); // there is room for the list
    rig_wait(&r, "Prompts  3");
    rig_wait(&r, "A and B share");
    rig_wait_gone(&r, "tok ...");
    rig_send(&r, "6");
    rig_wait(&r, "2 B The hen said:");
    rig_send(&r, "u");
    rig_wait(&r, "2   The hen said:");
    quit(&r);
    str_fini(&line);
}

static void the_checkpoints_of_a_run_are_gone_through_in_place(void **state)
{
    struct rig r;
    two_sides(&r, 100, 30);
    rig_send(&r, "[");
    rig_wait(&r, "is the oldest checkpoint");
    rig_send(&r, "\t[");
    rig_wait(&r, "B dpo-1@100");
    rig_wait(&r, "(100 %)"); // the same model with the same seed says the same
    rig_send(&r, "]");
    rig_wait(&r, "B dpo-1@200");
    quit(&r);
}

static void tokens_show_how_they_are_read(void **state)
{
    struct rig r;
    two_sides(&r, 120, 30);
    rig_send(&r, "\033[C"); // Right
    rig_wait(&r, "1/");
    rig_wait(&r, "before"); // the demo, which is the run's reference and its first checkpoint: nothing changed
    rig_wait(&r, "log-ratio 0");
    rig_wait(&r, "entropy");
    rig_wait(&r, "under B");
    rig_send(&r, "t");
    command(&r, "tokens other");
    command(&r, "tokens wrong");
    rig_wait(&r, "text, reference, entropy or other");
    quit(&r);
}

static void a_reward_model_scores_what_is_said(void **state)
{
    struct rig r;
    char *reward = test_source("share/attune/models/demo-reward");
    struct str line = {0};
    two_sides(&r, 120, 30);
    str_addf(&line, "reward %s", reward);
    command(&r, str_text(&line));
    rig_wait(&r, "rm ");
    quit(&r);
    str_fini(&line);
    free(reward);
}

static void ask_all_of(struct rig *r, const char *lines, int width, int height)
{
    struct str line = {0};
    char *reward = test_source("share/attune/models/demo-reward"), *path = path_join(project, "many.txt");
    assert_ok(file_write(path, lines, strlen(lines), e));
    two_sides(r, width, height);
    command(r, "length 20");
    str_addf(&line, "reward %s", reward);
    command(r, str_text(&line));
    rig_wait(r, "rm ");
    str_clear(&line);
    str_addf(&line, "prompts %s", path);
    command(r, str_text(&line));
    rig_wait(r, "many.txt");
    free(path);
    free(reward);
    str_fini(&line);
}

// All are asked; then they come by how much rewards differ, which the histogram counts.
static void prompts_come_where_rewards_differ_most(void **state)
{
    static const char *const prompts[] = {"The owl said:", "The hen said:", "The bear said:", "A fox ran", "One day"};
    struct rig r;
    ask_all_of(&r, "The owl said:\nThe hen said:\nThe bear said:\nA fox ran\nOne day\n", 200, 50);
    rig_send(&r, "O");
    rig_wait(&r, "(A asks the rest)");
    rig_send(&r, "A");
    rig_wait(&r, "All prompts were asked");
    rig_send(&r, "H");
    rig_wait(&r, "A - B on 5 prompts: mean ");
    rig_send(&r, "H:order scores\r");
    rig_wait(&r, "known of 5 of 5 prompts");
    rig_send(&r, "g");
    rig_wait(&r, "many.txt by scores");
    double last = INFINITY; // what the page shows of each, in its order
    for (int i = 0; i < 5; i++) {
        double best[2] = {NAN, NAN};
        struct str shown = {0}, place = {0};
        str_addf(&place, "Prompt %d of 5", i + 1);
        rig_wait(&r, str_text(&place));
        rig_settle(&r, 0.3);
        rig_text(&r, false, &shown);
        const char *at = shown.data;
        for (int k = 0; k < 2 && at; k++) {
            at = strstr(at, " rm ");
            best[k] = at ? atof(at + 4) : NAN;
            at = at ? at + 4 : NULL;
        }
        const double gap = fabs(best[0] - best[1]);
        assert_true(gap <= last + 1e-3); // numbers are shown rounded
        last = gap;
        str_fini(&shown);
        str_fini(&place);
        rig_send(&r, "j");
    }
    command(&r, "order file");
    rig_wait(&r, "order of the file");
    for (int i = 0; i < 5; i++)
        assert_true(rig_shows(&r, prompts[i]));
    command(&r, "order length");
    rig_wait(&r, "file, scores or votes, not length");
    quit(&r);
}

static void vote_on(struct store *s, const char *prompt, const char *who, enum verdict v)
{
    struct asked_pair p = {.prompt = (char *)prompt, .a = "a", .b = "b", .model = "x", .model_b = "y"};
    struct judgement j = {.verdict = v, .seconds = NAN};
    bool again;
    text_copy(j.annotator, sizeof j.annotator, who);
    asked_pair_hash(&p);
    assert_ok(labels_add(s, NULL, &p, &j, false, &again, e));
}

static void prompts_come_where_votes_are_divided(void **state)
{
    struct rig r;
    struct store *s;
    assert_ok(store_open(&s, project, false, e));
    vote_on(s, "The hen said:", "ann", VERDICT_A); // agreed on
    vote_on(s, "The hen said:", "bob", VERDICT_A);
    vote_on(s, "The bear said:", "ann", VERDICT_A); // divided
    vote_on(s, "The bear said:", "bob", VERDICT_B);
    store_close(s);
    two_sides(&r, 100, 30);
    struct str line = {0};
    str_addf(&line, "prompts %s/prompts.txt", project);
    command(&r, str_text(&line));
    rig_wait(&r, "The owl said:");
    command(&r, "order votes");
    rig_send(&r, "g");
    rig_wait(&r, "Prompt 1 of 3  prompts.txt by votes");
    rig_wait(&r, "The bear said:");
    rig_send(&r, "j");
    rig_wait(&r, "The hen said:");
    rig_send(&r, "j"); // nobody judged it
    rig_wait(&r, "The owl said:");
    quit(&r);
    str_fini(&line);
}

static void answers_are_written_and_nothing_is_written_over(void **state)
{
    struct rig r;
    struct str line = {0};
    char *path = path_join(project, "out.jsonl"), *text;
    size_t n;
    json_t *want = answer_of(demo, "1", question), *row;
    two_sides(&r, 100, 30);
    str_addf(&line, "write %s", path);
    command(&r, str_text(&line));
    rig_wait(&r, "2 answers were written");
    assert_ok(file_read(path, 1 << 20, &text, &n, e));
    assert_ok(json_parse(text, strcspn(text, "\n"), path, &row, e));
    assert_string_equal(json_string_value(json_object_get(row, "answer")), json_string_value(json_object_get(want, "text")));
    assert_string_equal(json_string_value(json_object_get(row, "model")), "dpo-1@100");
    assert_int_equal(json_array_size(json_object_get(row, "tokens")), json_integer_value(json_object_get(want, "n_tokens")));
    command(&r, str_text(&line));
    rig_wait(&r, "already: choose another");
    quit(&r);
    json_decref(row);
    json_decref(want);
    str_fini(&line);
    free(path);
    free(text);
}

static void what_runs_wrote_stands_side_by_side(void **state)
{
    struct rig r;
    rig_start(&r, &(struct rig_options){.project = project, .width = 100, .height = 30});
    rig_wait(&r, "dpo-1");
    rig_send(&r, "\r");
    rig_wait(&r, "[2 Curves]");
    rig_send(&r, "S");
    rig_wait(&r, "It slept well.");
    rig_wait(&r, "It slept badly.");
    quit(&r);
}

// Times of answers, and numbers whose last digits are the processor's: all of a side's line behind its tokens.
static void mask_numbers(struct str *shown)
{
    bool within = false;
    for (char *line = shown->data; line && *line;) {
        char *end = strchr(line, '\n');
        const size_t n = end ? (size_t)(end - line) : strlen(line);
        within = (within && n > 3 && line[1] >= 'A' && line[1] <= 'D' && line[3] == ' ') || (n > 20 && memmem(line, n, "first s", 7));
        for (size_t i = 13; within && line[1] != ' ' && i < n; i++)
            line[i] = '#';
        line = end ? end + 1 : NULL;
    }
}

static void the_page_is_as_kept_at_every_size(void **state)
{
    static const struct {
        int width, height;
        const char *locale, *name;
    } sizes[] = {{80, 24, NULL, "compare-80x24.txt"},
                 {80, 24, "C", "compare-80x24-ascii.txt"},
                 {200, 50, NULL, "compare-200x50.txt"},
                 {40, 12, NULL, "compare-40x12.txt"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct rig r;
        rig_start(&r, &(struct rig_options){
                          .project = project, .width = sizes[i].width, .height = sizes[i].height, .locale = sizes[i].locale});
        rig_wait(&r, "dpo-1");
        rig_send(&r, "5");
        command(&r, "compare dpo-1@100 dpo-1@200");
        rig_wait(&r, "dpo-1@100");
        command(&r, "temperature 0"); // the likeliest token, on every processor
        command(&r, "length 40");
        ask(&r, question);
        r.mask = mask_numbers;
        rig_expect(&r, sizes[i].name, false, "He had a");
        quit(&r);
    }
}

// ---- votes ----

static int read_votes(struct judged_pair **out)
{
    struct store *s;
    int n;
    assert_ok(store_open(&s, project, false, e));
    assert_ok(labels_judged(s, NULL, out, &n, e));
    store_close(s);
    return n;
}

static void a_vote_is_a_label_and_is_taken_back(void **state)
{
    struct rig r;
    struct judged_pair *pairs;
    json_t *a = answer_of(demo, "1", question), *b = answer_of(changed, "1", question);
    two_sides(&r, 100, 30);
    rig_send(&r, "2");
    rig_wait(&r, "voted: A is better");
    assert_int_equal(read_votes(&pairs), 1);
    assert_string_equal(pairs[0].pair.prompt, question);
    assert_string_equal(pairs[0].pair.a, json_string_value(json_object_get(a, "text")));
    assert_string_equal(pairs[0].pair.b, json_string_value(json_object_get(b, "text")));
    assert_string_equal(pairs[0].pair.model, "dpo-1@100");
    assert_string_equal(pairs[0].pair.model_b, "dpo-1@200");
    assert_int_equal(pairs[0].n_a, 1);
    assert_int_equal((int)pairs[0].grades, -2);
    judged_pairs_free(pairs, 1);
    rig_wait(&r, "A 1  B 0");
    rig_send(&r, "V");
    rig_wait(&r, "A dpo-1@100   B dpo-1@200");
    rig_send(&r, "V");
    rig_send(&r, "s"); // the other way round: the same vote, seen from the other side
    rig_wait(&r, "A 0  B 1");
    rig_send(&r, "1");
    rig_wait(&r, "voted: A is much better");
    assert_int_equal(read_votes(&pairs), 1);
    assert_string_equal(pairs[0].pair.model, "dpo-1@100"); // the pair's A is whoever was chosen first
    assert_int_equal((int)pairs[0].grades, 3);
    judged_pairs_free(pairs, 1);
    rig_send(&r, "u");
    rig_wait(&r, "the one before it stands again"); // B was worse by one grade then
    assert_int_equal(read_votes(&pairs), 1);
    assert_int_equal((int)pairs[0].grades, -2);
    judged_pairs_free(pairs, 1);
    rig_send(&r, "u");
    rig_wait(&r, "The last vote was taken back; U");
    int n = read_votes(&pairs);
    assert_int_equal(n ? pairs[0].n_a + pairs[0].n_b : 0, 0);
    judged_pairs_free(pairs, n);
    rig_send(&r, "U");
    rig_wait(&r, "Saved again: A is better");
    rig_send(&r, "U");
    rig_wait(&r, "Saved again: A is much better");
    rig_wait(&r, "voted: A is much better");
    assert_int_equal(read_votes(&pairs), 1);
    assert_int_equal((int)pairs[0].grades, 3);
    judged_pairs_free(pairs, 1);
    rig_send(&r, "U");
    rig_wait(&r, "No vote was taken back");
    rig_send(&r, "u");
    rig_wait(&r, "stands again");
    rig_send(&r, "4"); // what was taken back before another vote is over
    rig_wait(&r, "voted: about the same");
    rig_send(&r, "U");
    rig_wait(&r, "No vote was taken back");
    n = read_votes(&pairs);
    assert_int_equal(n, 1);
    assert_int_equal(pairs[0].n_ties, 1);
    judged_pairs_free(pairs, n);
    quit(&r);
    json_decref(a);
    json_decref(b);
}

// ---- conversations ----

// A model with a chat template of its own, and no text rules of a run.
static char *chat_model(const char *name, bool damage)
{
    static const char template[] = "{\"chat_template\": \"{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\\n"
                                   "{% endfor %}assistant:\",";
    char *folder = path_join(project, name), *path = path_join(folder, "tokenizer_config.json"), *bytes;
    struct str config = {0};
    size_t n;
    copy_model(folder, damage);
    assert_ok(file_read(path, 1 << 20, &bytes, &n, e));
    assert_int_equal(bytes[0], '{');
    str_addf(&config, "%s%s", template, bytes + 1);
    assert_ok(file_write(path, str_text(&config), config.len, e));
    free(path);
    path = path_join(folder, "text_rules.json");
    assert_int_equal(unlink(path), 0);
    free(path);
    free(bytes);
    str_fini(&config);
    return folder;
}

static char *said_after(const char *model, const char *history, const char *prompt)
{
    json_t *row = NULL;
    assert_ok(engine_call((const char *[]){"sample", "--model", model, "--temperature", "0.7", "--max-tokens", "30", "--seed",
                                           "1", "--history", history, prompt, NULL},
                          &row, e));
    char *text = mem_strdup(json_string_value(json_object_get(row, "text")));
    json_decref(row);
    return text;
}

// The stored pair is data that training reads as this conversation.
static void expect_data(const struct asked_pair *p, int n_turns)
{
    struct str row = {0};
    struct corpus *c;
    json_t *a = json_pack("{s:s, s:s}", "chosen", p->a, "rejected", p->b);
    char *rest = json_dumps(a, JSON_COMPACT);
    str_addf(&row, "{\"prompt\": %s, %s\n", p->turns, rest + 1);
    assert_ok(corpus_parse(&c, "stored.jsonl", str_text(&row), row.len, 0, e));
    assert_int_equal(c->n_examples, 1);
    assert_int_equal(c->examples[0].n_turns, n_turns);
    assert_true(c->examples[0].is_chat);
    assert_string_equal(c->examples[0].turns[n_turns - 1].text, "And then?");
    assert_string_equal(c->examples[0].responses[0].text, p->a);
    corpus_free(c);
    free(rest);
    json_decref(a);
    str_fini(&row);
}

static void a_conversation_goes_on_from_one_answer_or_from_each(void **state)
{
    struct rig r;
    struct judged_pair *pairs;
    struct str line = {0};
    char *a = chat_model("chat-a", false), *b = chat_model("chat-b", true);
    start(&r, 120, 40);
    str_addf(&line, "compare %s %s", a, b);
    command(&r, str_text(&line));
    rig_wait(&r, "B chat-b");
    rig_send(&r, "f");
    rig_wait(&r, "no answer to go on from");
    command(&r, "length 30");
    ask(&r, question);
    rig_wait(&r, "A and B share");
    rig_wait_gone(&r, "tok ...");
    rig_send(&r, "FAnd then?\r"); // from A's
    rig_wait(&r, "Prompt, turn 2");
    rig_wait(&r, "4 assistant");
    rig_wait_gone(&r, "tok ...");
    rig_wait(&r, "A and B share");
    rig_send(&r, "2");
    rig_wait(&r, "voted: A is better");
    assert_int_equal(read_votes(&pairs), 1);
    const struct asked_pair *p = &pairs[0].pair;
    expect_data(p, 3);
    json_t *turns = json_loads(p->turns, 0, NULL);
    json_array_remove(turns, 2);
    char *history = json_dumps(turns, JSON_COMPACT), *of_a = said_after(a, history, "And then?"),
         *of_b = said_after(b, history, "And then?");
    assert_string_equal(p->a, of_a); // the engine's template, and A's own first answer before both
    assert_string_equal(p->b, of_b);
    assert_non_null(strstr(p->prompt, "user: Once upon a time there was a fox.\nassistant: "));
    assert_non_null(strstr(p->prompt, "\nuser: And then?"));
    judged_pairs_free(pairs, 1);
    rig_send(&r, "fWhy?\r"); // each from its own
    rig_wait(&r, "Prompt, turn 3");
    rig_wait(&r, "6 assistant"); // below the titles, which say so while it is awaited
    rig_wait_gone(&r, "tok ...");
    rig_send(&r, "2");
    rig_wait(&r, "no vote compares");
    assert_int_equal(read_votes(&pairs), 1);
    judged_pairs_free(pairs, 1);
    ask(&r, question); // anew
    rig_wait_gone(&r, ", turn");
    quit(&r);
    json_decref(turns);
    free(history);
    free(of_a);
    free(of_b);
    free(a);
    free(b);
    str_fini(&line);
}

static void names_are_hidden_until_the_vote(void **state)
{
    struct rig r;
    two_sides(&r, 100, 30);
    rig_send(&r, "b");
    rig_wait(&r, "names are hidden until you vote");
    assert_false(rig_shows(&r, "dpo-1@"));
    rig_send(&r, "D");
    rig_wait(&r, "Hidden until you vote.");
    rig_send(&r, "D6");
    rig_wait(&r, "voted: B is better");
    rig_wait(&r, "dpo-1@100");
    rig_send(&r, "r");
    rig_wait_gone(&r, "dpo-1@");
    quit(&r);
}

// A model whose folder is called by a word that it says.
static void an_answer_that_names_its_model_is_no_vote(void **state)
{
    struct rig r;
    struct judged_pair *pairs;
    json_t *said = answer_of(demo, "1", question);
    char word[64] = "";
    const char *text = json_string_value(json_object_get(said, "text"));
    for (size_t n; *text && strlen(word) < 4; text += n ? n : 1) {
        n = strcspn(text, " .,!?\"\n");
        if (n >= 4 && n < sizeof word)
            snprintf(word, sizeof word, "%.*s", (int)n, text);
        if (strcasestr(question, word))
            word[0] = '\0';
    }
    char *folder = path_join(project, word);
    struct str line = {0};
    copy_model(folder, false);
    str_addf(&line, "compare %s %s", folder, changed);
    start(&r, 120, 30);
    command(&r, str_text(&line));
    rig_wait(&r, "B changed");
    rig_send(&r, "b");
    ask(&r, question);
    rig_wait(&r, "names are hidden until you vote");
    rig_wait(&r, "A and B share");
    rig_wait_gone(&r, "tok ...");
    const int before = read_votes(&pairs);
    judged_pairs_free(pairs, before);
    rig_send(&r, "2");
    rig_wait(&r, "flagged: an answer names its model");
    const int n = read_votes(&pairs);
    assert_int_equal(n, before + 1);
    assert_int_equal(pairs[n - 1].n_flags, 1);
    assert_int_equal(pairs[n - 1].n_a + pairs[n - 1].n_b + pairs[n - 1].n_ties, 0);
    judged_pairs_free(pairs, n);
    rig_send(&r, "u");
    rig_wait(&r, "taken back");
    quit(&r);
    assert_ok(file_remove_tree(folder, e));
    free(folder);
    str_fini(&line);
    json_decref(said);
}

// ---- bars ----

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void the_first_token_is_there_soon(void **state)
{
    enum { N = 9 };
    struct rig r;
    double seconds[N];
    two_sides(&r, 100, 30);
    for (int i = 0; i < N; i++) {
        char begins[24], seed[8];
        snprintf(seed, sizeof seed, "%d", i + 2);
        beginning(demo, seed, question, begins);
        begins[6] = '\0'; // the first token or two
        const double key = clock_seconds();
        rig_send(&r, "r");
        rig_wait(&r, begins);
        seconds[i] = clock_seconds() - key;
        rig_settle(&r, 0.3);
    }
    qsort(seconds, N, sizeof *seconds, by_size);
    print_message("          key to first token: median %.0f ms, worst %.0f ms, bar 300 ms\n", 1000 * seconds[N / 2],
                  1000 * seconds[N - 1]);
    assert_true(seconds[N / 2] < 0.3);
    quit(&r);
}

// While four answers stream, keys that change the picture are answered as at other times: three times the bar.
static void four_streams_hold_nothing_up(void **state)
{
    enum { MOST = 400 };
    struct rig r;
    double seconds[MOST];
    int n = 0;
    struct str line = {0};
    start(&r, 200, 50);
    str_addf(&line, "compare dpo-1@100 dpo-1@200 %s %s", demo, changed);
    command(&r, str_text(&line));
    rig_wait(&r, "D changed");
    command(&r, "temperature 3"); // babble, which does not end
    command(&r, "length 900");
    ask(&r, question);
    rig_wait(&r, "tok ...");
    while (n < MOST && rig_shows(&r, "tok ...")) {
        rig_settle(&r, 0);
        const double key = clock_seconds();
        rig_send(&r, n % 2 ? "\t" : "d");
        if (!rig_read(&r, 5))
            fail_msg("no answer to a key while answers stream");
        seconds[n++] = clock_seconds() - key;
        rig_settle(&r, 0.002);
    }
    assert_true(n > 5);
    qsort(seconds, (size_t)n, sizeof *seconds, by_size);
    print_message("          %d keys while four answers stream: median %.1f ms, p95 %.1f ms, bar 33 ms\n", n,
                  1000 * seconds[n / 2], 1000 * seconds[n * 95 / 100]);
    assert_true(seconds[n * 95 / 100] < 0.1);
    quit(&r);
    str_fini(&line);
}

// ---- processes ----

static bool is_child(const char *pid, pid_t parent)
{
    char *text, path[300];
    size_t n;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    if (file_read(path, 1 << 16, &text, &n, NULL))
        return false;
    const char *state = strrchr(text, ')');
    const bool found = state && atol(state + 3) == (long)parent && state[2] != 'Z';
    free(text);
    return found;
}

static int children_of(pid_t parent, pid_t *out, int max)
{
    DIR *proc = opendir("/proc");
    int n = 0;
    for (const struct dirent *d; proc && (d = readdir(proc)) != NULL;)
        if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && n < max && is_child(d->d_name, parent))
            out[n++] = (pid_t)atol(d->d_name);
    closedir(proc);
    return n;
}

static void expect_ends(const pid_t *pids, int n)
{
    const double until = clock_seconds() + 20;
    for (int i = 0; i < n; i++)
        while (kill(pids[i], 0) == 0) {
            if (clock_seconds() > until)
                fail_msg("process %d outlives the console", (int)pids[i]);
            usleep(20000);
        }
}

static void models_end_with_the_console_however_it_ends(void **state)
{
    for (int killed = 0; killed < 2; killed++) {
        struct rig r;
        pid_t pids[16];
        two_sides(&r, 100, 30);
        const int n = children_of(r.pid, pids, 16);
        assert_int_equal(n, 2);
        if (killed) {
            rig_kill(&r, SIGKILL);
            assert_int_equal(rig_end(&r), -SIGKILL);
        } else {
            quit(&r);
        }
        expect_ends(pids, n);
    }
}

static void a_model_that_dies_is_loaded_again(void **state)
{
    struct rig r;
    pid_t pids[16];
    char begins[24];
    two_sides(&r, 100, 30);
    const int n = children_of(r.pid, pids, 16);
    for (int i = 0; i < n; i++)
        kill(pids[i], SIGKILL);
    expect_ends(pids, n);
    beginning(demo, "2", question, begins);
    rig_send(&r, "r");
    rig_wait(&r, "seed 2");
    rig_wait(&r, begins);
    quit(&r);
}

static void no_more_models_are_loaded_than_four(void **state)
{
    struct rig r;
    pid_t pids[16], before[16];
    struct str line = {0};
    char *reward = test_source("share/attune/models/demo-reward");
    start(&r, 200, 50);
    str_addf(&line, "compare dpo-1@100 dpo-1@200 %s %s", demo, changed);
    command(&r, str_text(&line));
    rig_wait(&r, "D changed");
    ask(&r, question);
    rig_wait(&r, "A and B share");
    for (double end = clock_seconds() + 30; children_of(r.pid, before, 16) != 4 && clock_seconds() < end;)
        rig_read(&r, 0.05);
    str_clear(&line);
    str_addf(&line, "reward %s", reward); // a fifth: the idle one that was asked longest ago makes room
    command(&r, str_text(&line));
    rig_wait(&r, "rm ");
    // One leaves before the other comes: four, one of which was not there before.
    bool has_changed = false;
    for (double end = clock_seconds() + 30; !has_changed && clock_seconds() < end; rig_read(&r, 0.05)) {
        const int n = children_of(r.pid, pids, 16);
        assert_true(n <= 4);
        has_changed = n == 4 && memcmp(pids, before, 4 * sizeof *pids) != 0;
    }
    assert_true(has_changed);
    rig_send(&r, "r");
    rig_wait(&r, "seed 2");
    rig_settle(&r, 1);
    assert_true(children_of(r.pid, pids, 16) <= 4);
    quit(&r);
    str_fini(&line);
    free(reward);
}

// Sides, question and temperature are there again, and so are the answers.
static void what_was_compared_is_there_the_next_time(void **state)
{
    struct rig r;
    two_sides(&r, 100, 30);
    command(&r, "temperature 0");
    rig_wait(&r, "T 0 ");
    rig_kill(&r, SIGHUP);
    assert_int_equal(rig_end(&r), 0);
    rig_start(&r, &(struct rig_options){.project = project, .width = 100, .height = 30, .keeps_session = true});
    rig_wait(&r, "[5 Compare]");
    rig_wait(&r, "B dpo-1@200");
    rig_wait(&r, "T 0 ");
    rig_wait(&r, question);
    rig_wait(&r, "A and B share");
    quit(&r);
}

int main(void)
{
    setenv("USER", "tester", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(checkpoints_answer_as_the_command_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_side_that_cannot_answer_says_why_and_others_go_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prompts_of_a_file_are_gone_through, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_checkpoints_of_a_run_are_gone_through_in_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tokens_show_how_they_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reward_model_scores_what_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prompts_come_where_rewards_differ_most, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prompts_come_where_votes_are_divided, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_are_written_and_nothing_is_written_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_runs_wrote_stands_side_by_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_vote_is_a_label_and_is_taken_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_conversation_goes_on_from_one_answer_or_from_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_hidden_until_the_vote, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_that_names_its_model_is_no_vote, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_page_is_as_kept_at_every_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_token_is_there_soon, set_up, tear_down),
        cmocka_unit_test_setup_teardown(four_streams_hold_nothing_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(models_end_with_the_console_however_it_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_model_that_dies_is_loaded_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_more_models_are_loaded_than_four, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_compared_is_there_the_next_time, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
