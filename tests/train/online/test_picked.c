// Sources of answers whose objective picks some of them: a batch that teaches nothing, also where it was sampled ahead and
// the next one is interrupted; and answers that were cut off.
#include "config.h"

#include "fixture.h"

#include "base/mem.h"
#include "cpu/cpu.h"
#include "train/online/rollouts.h"

enum { VOCAB = 6, SAMPLES = 6, LENGTH = 3, SEED = 3 };

struct school {
    const struct backend_ops *ops;
    struct backend *backend;
    struct dataset prompts;
    struct trainer *trainer;
    struct model *model;
    struct group_source *source;
    int n_scored, n_tied, fails_at; // batches: so many; the first ones earn all the same; this one is interrupted
    bool cuts;                      // every other answer was cut off, and earns most and least
};

static int score(void *with, struct rollout_batch *b, struct metric_list *facts, struct err *e)
{
    struct school *w = with;
    const int number = w->n_scored++;
    if (number == w->fails_at)
        return err_set(e, ERR_INTERRUPTED, "somebody wants it to stop");
    for (int i = 0; i < b->data.n_seqs; i++) {
        b->scores[i] = number < w->n_tied ? 1 : i;
        b->ended[i] = !w->cuts || (i > 0 && i < SAMPLES - 1);
    }
    return 0;
}

static void begin(struct school *w, const char *objective, int ahead, bool ended_only)
{
    struct settings settings;
    struct run_tables tables;
    const struct objective *o;
    const struct backend_options options = {.n_threads = 1, .precision = PRECISION_F32};
    *w = (struct school){.ops = backend_find("cpu"), .fails_at = -1};
    assert_ok(w->ops->open(&w->backend, &options, e));
    w->prompts.groups = mem_alloc(1, sizeof *w->prompts.groups);
    w->prompts.groups[0] = (struct ds_group){.prompt = dataset_add_tokens(&w->prompts, (int32_t[]){0, 2}, 2), .n_prompt = 2};
    w->prompts.n_groups = 1;
    assert_ok(objective_find(&o, objective, e));
    run_settings_init(&settings, &tables, o);
    const struct rollout_options how = {.prompts = &w->prompts, .batch_size = 1, .samples = SAMPLES, .max_length = 8,
                                        .seed = SEED, .sampling = {.max_new_tokens = LENGTH, .temperature = 1,
                                                                   .top_p = 1}, .ahead = ahead,
        .ended_only = ended_only, .machine = options, .score = score, .with = w};
    struct trainer_options t = {.optimizer = {.lr = 0.01, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8}, .total_steps = 9,
                                .schedule = schedule_kind("constant"), .batch_size = 1, .max_batch_tokens = 4096,
                                .longest = LENGTH, .seed = SEED, .keep_reference = true};
    objective_configure(&t.objective, o, &settings);
    rollouts_new(&w->source, &how);
    json_t *config = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:b}", "model_type", "llama",
                               "vocab_size", VOCAB, "hidden_size", 16, "num_hidden_layers", 1, "num_attention_heads", 2,
                               "num_key_value_heads", 2, "intermediate_size", 16, "max_position_embeddings", 8,
                               "initializer_range", 0.3, "tie_word_embeddings", 0);
    assert_ok(model_new(&w->model, config, w->ops, w->backend, 5, e));
    json_decref(config);
    assert_ok(model_set_trainable(w->model, TRAIN_ALL, e));
    assert_ok(trainer_new(&w->trainer, &t, w->model, w->source, e));
    assert_ok(rollouts_attach(w->source, w->trainer, e));
    settings_fini(&settings);
}

static void end(struct school *w)
{
    trainer_free(w->trainer);
    model_free(w->model);
    dataset_fini(&w->prompts);
    w->ops->close(w->backend);
}

static int64_t position(const struct school *w)
{
    json_t *saved = w->source->ops->save(w->source, false);
    const int64_t at = json_integer_value(json_object_get(saved, "position"));
    json_decref(saved);
    return at;
}

// Batch 0 is tied, batch 1 is interrupted: what is saved then goes on, ahead of training with the batch that comes next.
static void an_interrupted_search_can_go_on(void **state)
{
    for (int ahead = 0; ahead < 2; ahead++) {
        struct school w;
        struct group_batch batch;
        struct err fault = {0};
        begin(&w, "online-dpo", ahead, false);
        w.n_tied = 1;
        w.fails_at = 1;
        assert_int_equal(w.source->ops->next(w.source, &batch, &fault), ERR_INTERRUPTED);
        assert_int_equal(position(&w), ahead ? 1 : 0); // else the tied batch is drawn again, the same
        char *dir = test_folder();
        assert_ok(w.source->ops->write(w.source, dir, false, e));
        json_t *saved = w.source->ops->save(w.source, false);
        if (!ahead)
            w.n_scored = 0;
        w.fails_at = -1;
        assert_ok(w.source->ops->next(w.source, &batch, e));
        assert_int_equal(batch.n, 1);
        assert_int_equal(position(&w), 2);
        struct school later;
        begin(&later, "online-dpo", ahead, false);
        later.n_tied = ahead ? 0 : 1;
        assert_ok(later.source->ops->restore(later.source, saved, dir, e));
        struct group_batch again;
        assert_ok(later.source->ops->next(later.source, &again, e));
        for (int k = 0; k < 2; k++) {
            const struct ds_seq *a = &batch.data->seqs[k], *b = &again.data->seqs[k];
            assert_int_equal(a->n, b->n);
            assert_memory_equal(batch.data->tokens + a->first, again.data->tokens + b->first,
                                (size_t)a->n * sizeof(int32_t));
        }
        json_decref(saved);
        free(dir);
        end(&later);
        end(&w);
    }
}

// The best and the worst were cut off: the pair is of the others.
static void what_was_cut_off_is_not_picked(void **state)
{
    for (int masked = 0; masked < 2; masked++) {
        struct school w;
        struct group_batch batch;
        begin(&w, "online-dpo", 0, masked);
        w.cuts = true;
        assert_ok(w.source->ops->next(w.source, &batch, e));
        assert_int_equal(batch.data->groups[batch.groups[0]].n_seqs, 2);
        assert_int_equal(batch.data->seqs[0].response, masked ? SAMPLES - 2 : SAMPLES - 1);
        assert_int_equal(batch.data->seqs[1].response, masked ? 1 : 0);
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interrupted_search_can_go_on),
        cmocka_unit_test(what_was_cut_off_is_not_picked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
