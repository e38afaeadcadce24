// Tables and TensorBoard's files of a project: what is written is read back by readers of the test's own.
#include "config.h"

#include "testing.h"

#include <jansson.h>

#include "export/crc32c.h"
#include "export/export.h"
#include "export/run_metrics.h"
#include "export/tfevents.h"
#include "export/tfevents_read.h"
#include "store/eval_file.h"
#include "store/run_db.h"

static char *dir;
static struct store *store;

static struct run_writer *new_run(const char *name)
{
    struct run_writer *w;
    json_t *settings =
        json_pack("{s:f, s:s, s:b, s:s, s:n}", "beta", 0.1, "schedule", "cosine", "merge", 1, "adapter", "", "stages");
    char *named = NULL;
    assert_ok(store_add_run(store, name, "dpo", "m", "d", settings, &named, e));
    char *folder = store_run_dir(store, named);
    assert_ok(run_writer_open(&w, folder, e));
    struct run_status status = {.state = RUN_DONE, .step = 4, .total_steps = 4, .started_ms = 1800000000000};
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_status(w, &status, e));
    json_decref(settings);
    free(named);
    free(folder);
    return w;
}

static int set_up(void **state)
{
    dir = test_folder();
    assert_ok(store_open(&store, dir, true, e));
    struct run_writer *w = new_run("a-1");
    for (int step = 1; step <= 4; step++) {
        assert_ok(run_writer_metric(w, "loss", step, step == 3 ? NAN : 1.0 / step, e));
        assert_ok(run_writer_metric(w, "step_s", step, 0.5 * step, e));
        if (step % 2 == 0)
            assert_ok(run_writer_metric(w, "eval/loss", step, 10 + step, e));
    }
    // A step that was computed again: of the first try nothing is to be seen.
    assert_ok(run_writer_metric(w, "loss", 4, 0.125, e));
    struct run_sample samples[] = {{.at_ms = 1800000001000, .step = 2, .prompt = "say, \"hi\"",
                                    .response = "=1+1\nnew line", .logp = -3.5, .reward = NAN}, {.at_ms = 1800000002000,
                                                                                                 .step = 4,
        .prompt = "p", .response = "\x1b[31m\xff", .logp = -1, .reward = 2}};
    for (int i = 0; i < 2; i++)
        assert_ok(run_writer_sample(w, &samples[i], e));
    assert_ok(run_writer_event(w, 1800000003000, 3, "error", "nonfinite", "loss is NaN, at step 3", e));
    assert_ok(run_writer_commit(w, e));
    run_writer_close(w);
    w = new_run("b-1");
    assert_ok(run_writer_metric(w, "loss", 1, 7, e));
    assert_ok(run_writer_metric(w, "kl", 1, 1e-7, e));
    assert_ok(run_writer_commit(w, e));
    run_writer_close(w);
    char *name = NULL;
    json_t *none = json_object();
    assert_ok(store_add_run(store, "c-1", "dpo", "m", "d", none, &name, e)); // no engine has taken it up
    json_decref(none);
    free(name);
    return 0;
}

static int tear_down(void **state)
{
    store_close(store);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    return 0;
}

static char *written(const char *name, size_t *n)
{
    char *path = path_join(dir, name), *bytes = NULL;
    assert_ok(file_read(path, 1 << 20, &bytes, n, e));
    free(path);
    return bytes;
}

static char *table(const struct export_wish *w, enum export_what what, enum table_form form, int64_t rows)
{
    char *path = path_join(dir, "table");
    int64_t n_rows = -1;
    size_t n;
    assert_ok(export_table(w, what, form, path, &n_rows, e));
    assert_int_equal(n_rows, rows);
    free(path);
    return written("table", &n);
}

static void tables_of_metrics_have_a_row_a_point(void **state)
{
    const struct export_wish all = {.store = store};
    char *csv = table(&all, EXPORT_METRICS, TABLE_CSV, 12);
    assert_string_equal(csv, "run,metric,step,value\r\n"
                             "a-1,loss,1,1\r\na-1,loss,2,0.5\r\na-1,loss,3,NaN\r\na-1,loss,4,0.125\r\n"
                             "a-1,step_s,1,0.5\r\na-1,step_s,2,1\r\na-1,step_s,3,1.5\r\na-1,step_s,4,2\r\n"
                             "a-1,eval/loss,2,12\r\na-1,eval/loss,4,14\r\n"
                             "b-1,loss,1,7\r\nb-1,kl,1,1e-07\r\n");
    free(csv);
    const char *const runs[] = {"b-1"}, *const keys[] = {"kl"};
    const struct export_wish some = {.store = store, .runs = runs, .n_runs = 1, .keys = keys, .n_keys = 1};
    char *json = table(&some, EXPORT_METRICS, TABLE_JSONL, 1);
    assert_string_equal(json, "{\"run\":\"b-1\",\"metric\":\"kl\",\"step\":1,\"value\":1e-07}\n");
    free(json);
}

static void wide_tables_have_a_row_a_step(void **state)
{
    const struct export_wish all = {.store = store, .wide = true};
    char *csv = table(&all, EXPORT_METRICS, TABLE_CSV, 5);
    assert_string_equal(csv, "run,step,loss,step_s,eval/loss,kl\r\n"
                             "a-1,1,1,0.5,,\r\na-1,2,0.5,1,12,\r\na-1,3,NaN,1.5,,\r\na-1,4,0.125,2,14,\r\n"
                             "b-1,1,7,,,1e-07\r\n");
    free(csv);
    char *json = table(&all, EXPORT_METRICS, TABLE_JSONL, 5);
    assert_non_null(strstr(json, "{\"run\":\"a-1\",\"step\":3,\"loss\":null,\"step_s\":1.5}\n"));
    free(json);
}

static void tables_of_texts_keep_them_whole(void **state)
{
    const struct export_wish all = {.store = store};
    char *csv = table(&all, EXPORT_SAMPLES, TABLE_CSV, 2);
    assert_string_equal(csv, "run,step,at_ms,prompt,response,logp,reward\r\n"
                             "a-1,2,1800000001000,\"say, \"\"hi\"\"\",\"=1+1\nnew line\",-3.5,NaN\r\n"
                             "a-1,4,1800000002000,p,\x1b[31m\xff,-1,2\r\n");
    free(csv);
    char *json = table(&all, EXPORT_SAMPLES, TABLE_JSONL, 2);
    json_t *row = json_loads(strchr(json, '\n') + 1, JSON_DISABLE_EOF_CHECK, NULL);
    assert_string_equal(json_string_value(json_object_get(row, "response")), "\x1b[31m\xef\xbf\xbd");
    assert_null(strchr(json, 0x1b)); // as an escape of JSON
    json_decref(row);
    free(json);
    csv = table(&all, EXPORT_EVENTS, TABLE_CSV, 1);
    assert_string_equal(
        csv, "run,step,at_ms,level,kind,text\r\na-1,3,1800000003000,error,nonfinite,\"loss is NaN, at step 3\"\r\n");
    free(csv);
}

static void tables_of_evaluations_have_a_row_a_measure(void **state)
{
    char *run = store_run_dir(store, "a-1");
    struct str path = {0};
    str_addf(&path, "%s/checkpoints/step-4", run);
    assert_ok(file_make_dirs(str_text(&path), e));
    json_t *one =
        json_pack("{s:{s:s, s:i}, s:{}, s:{s:{s:f, s:f, s:f}, s:{s:f}}}", "how", "prompts", "abc", "seed", 3, "of",
                  "measures", "reward", "value", 0.5, "low", 0.25, "high", 0.75, "entropy", "value", 1.5);
    assert_ok(eval_file_put(str_text(&path), one, e));
    const struct export_wish all = {.store = store};
    char *csv = table(&all, EXPORT_EVALUATIONS, TABLE_CSV, 2);
    assert_string_equal(csv, "run,step,prompts,seed,measure,value,low,high\r\n"
                             "a-1,4,abc,3,reward,0.5,0.25,0.75\r\na-1,4,abc,3,entropy,1.5,,\r\n");
    free(csv);
    json_decref(one);
    str_fini(&path);
    free(run);
}

static void a_table_that_fails_leaves_the_old_one(void **state)
{
    const char *const runs[] = {"a-1", "nobody"};
    const struct export_wish w = {.store = store, .runs = runs, .n_runs = 2};
    char *path = path_join(dir, "kept");
    struct err fault = {0};
    int64_t rows = 0;
    size_t n;
    assert_ok(file_write(path, "before", 6, e));
    assert_int_equal(export_table(&w, EXPORT_METRICS, TABLE_CSV, path, &rows, &fault), ERR_NOT_FOUND);
    char *bytes = written("kept", &n);
    assert_string_equal(bytes, "before");
    free(bytes);
    free(path);
}

static void numbers_have_the_digits_that_they_need(void **state)
{
    static const char *const columns[] = {"x"};
    static const double values[] = {0.1, 0.1 + 0.2, 1e300, -0.0, 123456789.125, 5e-324};
    struct table_file *t;
    char *path = path_join(dir, "numbers");
    size_t n;
    assert_ok(table_open(&t, path, TABLE_CSV, columns, 1, e));
    for (int i = 0; i < 6; i++) {
        table_number(t, 0, values[i]);
        assert_ok(table_end_row(t, e));
    }
    assert_ok(table_commit(t, e));
    char *bytes = written("numbers", &n), *at = bytes;
    assert_true(text_starts(bytes, "x\r\n0.1\r\n"));
    for (int i = 0; i < 6; i++) {
        at = strchr(at, '\n') + 1;
        assert_true(strtod(at, NULL) == values[i]);
    }
    free(bytes);
    free(path);
}

// ---- TensorBoard ----

static void checksums_are_those_of_the_standard(void **state)
{
    unsigned char bytes[32] = {0};
    assert_int_equal(crc32c(bytes, 32), 0x8a9136aa); // RFC 3720, B.4
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(crc32c(bytes, 32), 0x46dd794e);
    assert_int_equal(crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(crc32c_masked("123456789", 9), (0xe3069283u >> 15 | 0xe3069283u << 17) + 0xa282ead8u);
}

// A reader of protobuf's wire format: the next field of at .. end.
struct field {
    int number, wire;
    uint64_t value; // of numbers
    const unsigned char *bytes;
    size_t n;
};

static uint64_t varint(const unsigned char **at, const unsigned char *end)
{
    uint64_t value = 0;
    for (int shift = 0; *at < end; shift += 7) {
        const unsigned char byte = *(*at)++;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    fail_msg("a number has no end");
    return 0;
}

static bool next_field(const unsigned char **at, const unsigned char *end, struct field *f)
{
    if (*at == end)
        return false;
    const uint64_t key = varint(at, end);
    *f = (struct field){.number = (int)(key >> 3), .wire = (int)(key & 7)};
    if (f->wire == 0) {
        f->value = varint(at, end);
        return true;
    }
    f->n = f->wire == 1 ? 8 : f->wire == 5 ? 4 : varint(at, end);
    assert_true(f->wire == 1 || f->wire == 2 || f->wire == 5);
    assert_true(f->n <= (size_t)(end - *at));
    f->bytes = *at;
    if (f->wire != 2)
        memcpy(&f->value, f->bytes, f->n);
    *at += f->n;
    return true;
}

static bool find_field(const struct field *in, int number, struct field *out)
{
    const unsigned char *at = in->bytes;
    while (next_field(&at, in->bytes + in->n, out))
        if (out->number == number)
            return true;
    return false;
}

static uint32_t little(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

struct scalar {
    char tag[40];
    int64_t step;
    double wall_s;
    float value;
};

struct board {
    struct scalar scalars[64];
    int n, n_records, n_texts;
    char version[32], beta[16];
    bool has_hparams;
};

static void read_value(struct board *b, const struct field *value, double wall_s, int64_t step)
{
    struct field tag, f, plugin, name;
    assert_true(find_field(value, 1, &tag));
    if (find_field(value, 2, &f)) {
        struct scalar *s = &b->scalars[b->n++];
        const uint32_t bits = (uint32_t)f.value;
        *s = (struct scalar){.step = step, .wall_s = wall_s};
        memcpy(s->tag, tag.bytes, tag.n);
        memcpy(&s->value, &bits, sizeof bits);
        return;
    }
    assert_true(find_field(value, 9, &f) && find_field(&f, 1, &plugin) && find_field(&plugin, 1, &name));
    b->n_texts += name.n == 4 && memcmp(name.bytes, "text", 4) == 0;
    if (name.n == 7 && memcmp(name.bytes, "hparams", 7) == 0) {
        struct field content, session, entry, map_value, number;
        b->has_hparams = find_field(&plugin, 2, &content) && find_field(&content, 3, &session);
        assert_true(b->has_hparams);
        const unsigned char *at = session.bytes;
        while (next_field(&at, session.bytes + session.n, &entry)) {
            struct field key;
            if (entry.number != 1)
                continue;
            assert_true(find_field(&entry, 1, &key) && find_field(&entry, 2, &map_value));
            if (key.n == 4 && memcmp(key.bytes, "beta", 4) == 0 && find_field(&map_value, 2, &number)) {
                double beta;
                memcpy(&beta, &number.value, sizeof beta);
                snprintf(b->beta, sizeof b->beta, "%g", beta);
            }
        }
    }
}

static void read_board(struct board *b, const char *name)
{
    size_t n;
    char *bytes = written(name, &n);
    const unsigned char *at = (unsigned char *)bytes, *end = at + n;
    *b = (struct board){0};
    while (at < end) {
        assert_true(end - at >= 16);
        const uint32_t length = little(at);
        assert_int_equal(little(at + 4), 0);
        assert_int_equal(little(at + 8), crc32c_masked(at, 8));
        assert_true(length <= (size_t)(end - at) - 16);
        assert_int_equal(little(at + 12 + length), crc32c_masked(at + 12, length));
        const struct field event = {.bytes = at + 12, .n = length};
        struct field f;
        double wall_s = 0;
        assert_true(find_field(&event, 1, &f));
        memcpy(&wall_s, &f.value, sizeof wall_s);
        const int64_t step = find_field(&event, 2, &f) ? (int64_t)f.value : 0;
        if (find_field(&event, 3, &f))
            memcpy(b->version, f.bytes, f.n);
        if (find_field(&event, 5, &f)) {
            struct field value;
            const unsigned char *inner = f.bytes;
            while (next_field(&inner, f.bytes + f.n, &value))
                read_value(b, &value, wall_s, step);
        }
        b->n_records++;
        at += 16 + length;
    }
    free(bytes);
}

static void tensorboard_reads_what_was_recorded(void **state)
{
    const struct export_wish all = {.store = store};
    char *to = path_join(dir, "logs");
    int n_runs = 0;
    assert_ok(export_tensorboard(&all, to, &n_runs, e));
    assert_ok(export_tensorboard(&all, to, &n_runs, e)); // written again, each file takes its own place
    assert_int_equal(n_runs, 2);
    struct run_info info;
    assert_ok(store_find_run(store, "a-1", &info, e));
    char name[100];
    snprintf(name, sizeof name, "logs/a-1/events.out.tfevents.%010lld.attune", (long long)(info.created_ms / 1000));
    run_info_fini(&info);
    struct board b;
    read_board(&b, name);
    assert_string_equal(b.version, "brain.Event:2");
    assert_int_equal(b.n_records, 1 + 1 + 4 + 2); // version, settings, steps, samples
    assert_int_equal(b.n, 10);
    assert_int_equal(b.n_texts, 2);
    assert_string_equal(b.beta, "0.1");
    static const struct scalar want[] = {
        {"loss", 1, 0.5, 1}, {"step_s", 1, 0.5, 0.5f}, {"loss", 2, 1.5, 0.5f}, {"step_s", 2, 1.5, 1},
        {"eval/loss", 2, 1.5, 12},
        {"loss", 3, 3, NAN}, {"step_s", 3, 3, 1.5f}, {"loss", 4, 5, 0.125f}, {"step_s", 4, 5, 2}, {"eval/loss", 4, 5, 14}};
    for (int i = 0; i < 10; i++) {
        assert_string_equal(b.scalars[i].tag, want[i].tag);
        assert_int_equal(b.scalars[i].step, want[i].step);
        assert_close(b.scalars[i].wall_s, 1800000000 + want[i].wall_s, 1e-6); // the steps took 0.5, 1, 1.5 and 2 seconds
        assert_true(b.scalars[i].value == want[i].value || (isnan(b.scalars[i].value) && isnan(want[i].value)));
    }
    free(to);
}

static void tensorboard_takes_long_texts_and_steps(void **state)
{
    struct tfevents *t;
    struct str text = {0};
    struct board b;
    char *path = path_join(dir, "long");
    for (int i = 0; i < 100000; i++)
        str_addc(&text, 'x');
    assert_ok(tfevents_open(&t, path, 1, e));
    tfevents_text(t, "samples/1", str_text(&text));
    tfevents_scalar(t, "loss", 3);
    assert_ok(tfevents_end(t, 2, (int64_t)1 << 40, e));
    assert_ok(tfevents_commit(t, e));
    read_board(&b, "long");
    assert_int_equal(b.n_texts, 1);
    assert_int_equal(b.scalars[0].step, (int64_t)1 << 40);
    str_fini(&text);
    free(path);
}

// ---- what others wrote ----

struct seen {
    char tags[200];
    double values[8], wall_s;
    int64_t step;
    int n;
};

static int see(void *arg, const char *tag, int64_t step, double wall_s, double value, struct err *fault)
{
    struct seen *s = arg;
    const size_t used = strlen(s->tags);
    assert_true(s->n < 8);
    snprintf(s->tags + used, sizeof s->tags - used, "%s%s", used ? " " : "", tag);
    s->values[s->n++] = value;
    s->step = step;
    s->wall_s = wall_s;
    return 0;
}

// The event tests/fuzz/corpus/tfevents/NAME as a record of a file; flip: a byte of it that is another one than its checksum
// saw.
static int read_event(const char *name, int flip, struct seen *seen, json_t *settings, struct err *fault)
{
    char *from = NULL, *path = path_join(dir, "event");
    struct str source = {0}, record = {0};
    size_t n;
    str_addf(&source, "tests/fuzz/corpus/tfevents/%s", name);
    char *file = test_source(str_text(&source));
    assert_ok(file_read(file, 10000, &from, &n, e));
    for (int i = 0; i < 8; i++)
        str_addc(&record, (char)((uint64_t)n >> 8 * i));
    uint32_t check = crc32c_masked(str_text(&record), 8);
    for (int i = 0; i < 4; i++)
        str_addc(&record, (char)(check >> 8 * i));
    str_addn(&record, from, n);
    check = crc32c_masked(from, n);
    for (int i = 0; i < 4; i++)
        str_addc(&record, (char)(check >> 8 * i));
    if (flip >= 0)
        record.data[12 + flip] ^= 1;
    assert_ok(file_write(path, str_text(&record), record.len, e));
    *seen = (struct seen){0};
    const int code = tfevents_read(path, &(const struct tfevents_sink){see, seen, settings}, fault);
    free(from);
    free(file);
    free(path);
    str_fini(&source);
    str_fini(&record);
    return code;
}

static void events_of_both_generations_are_read(void **state)
{
    struct seen s;
    assert_ok(read_event("simple", -1, &s, NULL, e));
    assert_string_equal(s.tags, "loss rewards/margins");
    assert_true(s.values[0] == 0.5 && isnan(s.values[1]));
    assert_int_equal(s.step, 7);
    assert_close(s.wall_s, 1.8e9, 0);
    assert_ok(read_event("tensor", -1, &s, NULL, e));
    assert_string_equal(s.tags, "kl kl2");
    assert_true(s.values[0] == 0.25 && s.values[1] == 0.75);
    assert_ok(read_event("version", -1, &s, NULL, e));
    assert_int_equal(s.n, 0);
}

static void settings_come_from_the_hparams_page(void **state)
{
    struct seen s;
    json_t *settings = json_object(), *want = json_pack("{s:f, s:s, s:b}", "lr", 1e-4, "name", "dpo", "on", 1);
    assert_ok(read_event("hparams", -1, &s, settings, e));
    assert_true(json_equal(settings, want));
    json_decref(settings);
    json_decref(want);
}

static void an_event_that_was_changed_is_refused(void **state)
{
    for (int i = 0; i < 20; i++) {
        struct seen s;
        struct err fault = {0};
        assert_int_equal(read_event("simple", i, &s, NULL, &fault), ERR_INPUT);
        assert_non_null(strstr(fault.text, "does not fit its checksum"));
        assert_int_equal(s.n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tables_of_metrics_have_a_row_a_point, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wide_tables_have_a_row_a_step, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables_of_texts_keep_them_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables_of_evaluations_have_a_row_a_measure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_table_that_fails_leaves_the_old_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_have_the_digits_that_they_need, set_up, tear_down),
        cmocka_unit_test(checksums_are_those_of_the_standard),
        cmocka_unit_test_setup_teardown(tensorboard_reads_what_was_recorded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tensorboard_takes_long_texts_and_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_of_both_generations_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(settings_come_from_the_hparams_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_event_that_was_changed_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
