// Several ranks at one batch, as threads of this program with a model each: what they know and learn together is what one
// rank alone knows and learns, and all of them hold the same weights.
#include "config.h"

#include <pthread.h>
#include <unistd.h>

#include "fixture.h"

enum { MOST = 3, STEPS = 3 };

static struct world world;

// ---- where the threads meet ----

struct place {
    pthread_barrier_t all;
    int size;
    void *parts[MOST];
};
struct seat {
    struct place *place;
    int rank;
};

static int gather(void *with, void *all, const size_t *ends, struct err *e)
{
    struct seat *s = with;
    s->place->parts[s->rank] = all;
    pthread_barrier_wait(&s->place->all);
    for (int k = 0; k < s->place->size; k++) {
        const size_t begin = k ? ends[k - 1] : 0;
        if (k != s->rank && ends[k] > begin)
            memcpy((char *)all + begin, (char *)s->place->parts[k] + begin, ends[k] - begin);
    }
    pthread_barrier_wait(&s->place->all);
    return 0;
}

static int sum(void *with, const struct backend_ops *ops, struct backend *b, float *x, size_t n, struct err *e)
{
    struct seat *s = with;
    float *own = malloc(n * sizeof *own), *total = calloc(n, sizeof *total);
    ops->download(b, own, x, n * sizeof *own);
    s->place->parts[s->rank] = own;
    pthread_barrier_wait(&s->place->all);
    for (int k = 0; k < s->place->size; k++)
        for (size_t i = 0; i < n; i++)
            total[i] += ((float *)s->place->parts[k])[i];
    pthread_barrier_wait(&s->place->all);
    ops->upload(b, x, total, n * sizeof *total);
    free(own);
    free(total);
    return 0;
}

static const struct ranks_ops meets = {gather, sum};

// ---- ranks at work ----

struct worker {
    struct bench b;
    struct evaluator evaluator;
    struct seat seat;
    pthread_t thread;
    struct step_result step;
    struct metric_list held_out;
    int n_steps, code;
    struct err fault;
};
struct team {
    struct place place;
    struct worker w[MOST];
};

static void team_make(struct team *t, int size, const struct bench_options *o)
{
    *t = (struct team){.place.size = size};
    pthread_barrier_init(&t->place.all, NULL, (unsigned)size);
    for (int k = 0; k < size; k++) {
        struct worker *w = &t->w[k];
        struct bench_options own = *o;
        w->seat = (struct seat){&t->place, k};
        own.ranks = (struct ranks){k, size, &meets, &w->seat};
        bench_make(&w->b, &world, &own);
        assert_ok(evaluator_init(&w->evaluator, w->b.trainer, &w->b.held_out, e));
    }
}

static void team_free(struct team *t)
{
    for (int k = 0; k < t->place.size; k++) {
        evaluator_fini(&t->w[k].evaluator);
        bench_free(&t->w[k].b);
    }
    pthread_barrier_destroy(&t->place.all);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    w->code = 0;
    w->held_out.n = 0;
    for (int i = 0; i < w->n_steps && !w->code; i++)
        w->code = trainer_step(w->b.trainer, &w->step, &w->fault);
    if (!w->code)
        w->code = evaluate(&w->evaluator, &w->held_out, &w->fault);
    return NULL;
}

static void team_work(struct team *t, int n_steps)
{
    for (int k = 0; k < t->place.size; k++) {
        t->w[k].n_steps = n_steps;
        assert_int_equal(pthread_create(&t->w[k].thread, NULL, work, &t->w[k]), 0);
    }
    for (int k = 0; k < t->place.size; k++)
        pthread_join(t->w[k].thread, NULL);
}

static void assert_same_metrics(const char *objective, const struct metric_list *got, const struct metric_list *want)
{
    assert_int_equal(got->n, want->n);
    for (int i = 0; i < want->n; i++) {
        const char *key = want->items[i].key;
        const double a = got->items[i].value, b = want->items[i].value;
        assert_string_equal(got->items[i].key, key);
        if (strcmp(key, "step_s") != 0 && strcmp(key, "tokens_per_s") != 0 && !(fabs(a - b) <= 2e-4 * (1 + fabs(b))) &&
            !(isnan(a) && isnan(b)))
            fail_msg("%s: %s is %.9g, with one rank %.9g", objective, key, a, b);
    }
}

// Objectives with sums over tokens, a whole batch to look at, means that move between steps, ranks of the batch, a score
// head, a value network and lists of many; a batch that does not divide evenly, and one with a rank that has nothing to do.
static void ranks_together_do_what_one_does_alone(void **state)
{
    static const struct {
        const char *objective, *settings;
        int size;
    } cases[] = {{"dpo", "batch-size=4", 2},   {"kto", "batch-size=5", 2},  {"bco", "batch-size=4", 3},
                 {"aot", "batch-size=4", 2},   {"rm", "batch-size=4", 3},   {"dro-v", "batch-size=4", 2},
                 {"beta-dpo", "batch-size=4", 2}, {"d2o", "batch-size=3", 2}, {"dpo", "batch-size=2", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct team one, many;
        const struct bench_options o = {.objective = cases[i].objective, .settings = cases[i].settings, .steps = STEPS};
        size_t n, n_other;
        team_make(&one, 1, &o);
        team_work(&one, STEPS);
        team_make(&many, cases[i].size, &o);
        team_work(&many, STEPS);
        float *first = bench_weights(&many.w[0].b, &n);
        for (int k = 0; k < cases[i].size; k++) {
            const struct worker *w = &many.w[k];
            if (w->code)
                fail_msg("%s, rank %d: %s", cases[i].objective, k, w->fault.text);
            float *weights = bench_weights(&w->b, &n_other);
            assert_int_equal(n_other, n);
            assert_memory_equal(weights, first, n * sizeof *first);
            free(weights);
            assert_int_equal(w->step.n_tokens, one.w[0].step.n_tokens);
            assert_same_metrics(cases[i].objective, &w->step.metrics, &one.w[0].step.metrics);
            assert_same_metrics(cases[i].objective, &w->held_out, &one.w[0].held_out);
        }
        free(first);
        team_free(&one);
        team_free(&many);
    }
}

static void every_group_is_one_ranks(void **state)
{
    for (int size = 0; size <= 4; size++)
        for (int n = 0; n <= 9; n++) {
            const struct ranks r = {.size = size};
            assert_int_equal(ranks_first(&r, n, 0), 0);
            for (int k = 0; k < size; k++)
                assert_in_range(ranks_first(&r, n, k + 1) - ranks_first(&r, n, k), n / size, n / size + 1);
            assert_int_equal(ranks_first(&r, n, size ? size : 1), n);
        }
}

// ---- one fails ----

static const struct backend_ops *real;
static int failing_sync(struct backend *b, struct err *e)
{
    real->sync(b, NULL);
    return err_set(e, ERR_LIMIT, "out of memory, says the test");
}

static void what_fails_on_one_rank_fails_on_all(void **state)
{
    static const char *const objectives_here[] = {"dpo", "kto"}; // in the step itself; before it, in prepare()
    for (size_t i = 0; i < 2; i++) {
        static struct team t;
        struct backend_ops failing;
        size_t n;
        team_make(&t, 2,
                  &(struct bench_options){.objective = objectives_here[i], .settings = "batch-size=4", .steps = STEPS});
        float *before = bench_weights(&t.w[0].b, &n);
        real = t.w[1].b.model->ops;
        failing = *real;
        failing.sync = failing_sync;
        t.w[1].b.model->ops = &failing;
        team_work(&t, 1);
        t.w[1].b.model->ops = real;
        assert_int_equal(t.w[0].code, ERR_STATE);
        assert_non_null(strstr(t.w[0].fault.text, "rank 1 of 2"));
        assert_int_equal(t.w[1].code, ERR_LIMIT);
        for (int k = 0; k < 2; k++) {
            float *after = bench_weights(&t.w[k].b, &n);
            assert_memory_equal(after, before, n * sizeof *before);
            assert_int_equal(t.w[k].b.trainer->step, 0);
            free(after);
        }
        team_work(&t, 1); // and the next step is one
        assert_int_equal(t.w[0].code, 0);
        assert_int_equal(t.w[1].code, 0);
        free(before);
        team_free(&t);
    }
}

static int make_world(void **state)
{
    world_make(&world, "llama");
    return 0;
}

static int remove_world(void **state)
{
    world_remove(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_group_is_one_ranks),
        cmocka_unit_test(ranks_together_do_what_one_does_alone),
        cmocka_unit_test(what_fails_on_one_rank_fails_on_all),
    };
    alarm(20); // a rank that does not come keeps the others waiting
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
