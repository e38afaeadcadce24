// AdamW against the numbers of an independent one: clipping by the norm, bias correction, decay of matrices alone, eps and
// the proximal step, over three updates (tests/golden/optimizer/adamw.py).
#include "config.h"

#include "fixture.h"

#include "base/json.h"
#include "train/learn/optimizer.h"

enum { N_MATRIX = 4, N_NORM = 3, N = N_MATRIX + N_NORM };

static struct world world;
static json_t *golden;

struct stand {
    const struct backend_ops *ops;
    struct backend *backend;
    struct model *model;
    struct optimizer optimizer;
    float *weights[2], *grads[2]; // a matrix's and a norm's first numbers
};

static void stand_open(struct stand *s, const char *model)
{
    char key[80];
    *s = (struct stand){0};
    assert_ok(engine_open_backend(&s->ops, &s->backend, "cpu", "f32", 1, e));
    assert_ok(engine_load_model(&s->model, model, s->ops, s->backend, false, 1, key, e));
    assert_ok(model_set_trainable(s->model, TRAIN_ALL, e));
    assert_ok(optimizer_init(&s->optimizer, s->model, e));
    s->weights[0] = model_weight(s->model, T_Q_W, 0);
    s->grads[0] = model_grad(s->model, T_Q_W, 0);
    s->weights[1] = model_weight(s->model, T_FINAL_NORM_W, 0);
    s->grads[1] = model_grad(s->model, T_FINAL_NORM_W, 0);
}

static void stand_close(struct stand *s)
{
    optimizer_fini(&s->optimizer);
    model_free(s->model);
    s->ops->close(s->backend);
}

static double number(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void floats(const json_t *list, float *out, size_t n)
{
    assert_int_equal(json_array_size(list), n);
    for (size_t i = 0; i < n; i++)
        out[i] = (float)json_number_value(json_array_get(list, i));
}

static void put(const struct stand *s, float *const to[2], const float from[N])
{
    s->ops->upload(s->backend, to[0], from, N_MATRIX * sizeof *from);
    s->ops->upload(s->backend, to[1], from + N_MATRIX, N_NORM * sizeof *from);
}

static void get(const struct stand *s, float *const from[2], float to[N])
{
    s->ops->download(s->backend, to, from[0], N_MATRIX * sizeof *to);
    s->ops->download(s->backend, to + N_MATRIX, from[1], N_NORM * sizeof *to);
}

static void follow_trace(const json_t *row)
{
    struct stand s;
    size_t i, k;
    float start[N];
    json_t *step, *weight;
    struct optimizer_settings now = {.beta1 = number(row, "beta1"), .beta2 = number(row, "beta2"), .eps = number(row, "eps"),
                                     .weight_decay = number(row, "weight_decay"), .clip = number(row, "clip"),
                                     .l1 = number(row, "l1")};
    stand_open(&s, world.model_dir);
    floats(json_object_get(golden, "matrix"), start, N_MATRIX);
    floats(json_object_get(golden, "norm"), start + N_MATRIX, N_NORM);
    put(&s, s.weights, start);
    if (now.l1 > 0)
        assert_ok(optimizer_keep_start(&s.optimizer, e));
    json_array_foreach(json_object_get(row, "steps"), i, step) {
        float grads[N], weights[N];
        floats(json_object_get(step, "grads"), grads, N);
        put(&s, s.grads, grads);
        const double norm = optimizer_grad_norm(&s.optimizer);
        assert_close(norm, number(step, "norm"), 1e-6 * norm);
        now.lr = number(step, "lr");
        optimizer_step(&s.optimizer, &now, norm);
        get(&s, s.weights, weights);
        json_array_foreach(json_object_get(step, "weights"), k, weight)
            assert_close(weights[k], json_number_value(weight), 4e-7); // rounding to float, three times
        assert_true(optimizer_grad_norm(&s.optimizer) == 0);
    }
    assert_int_equal(s.optimizer.t, 3);
    stand_close(&s);
}

static void updates_are_those_of_an_independent_adamw(void **state)
{
    size_t i;
    json_t *row;
    assert_true(json_array_size(json_object_get(golden, "rows")) >= 5);
    json_array_foreach(json_object_get(golden, "rows"), i, row)
        follow_trace(row);
}

// Where nothing pulls, nothing moves, but for the decay: by 1 - lr * weight_decay, and of matrices alone.
static void only_matrices_decay(void **state)
{
    struct stand s;
    const struct optimizer_settings now = {
        .lr = 0.5, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.25, .clip = 1};
    stand_open(&s, world.model_dir);
    for (int i = 0; i < s.model->n_tensors; i++) {
        const struct tensor *x = &s.model->tensors[i];
        const float one = 1;
        s.ops->upload(s.backend, s.model->weights + x->offset, &one, sizeof one);
    }
    optimizer_step(&s.optimizer, &now, optimizer_grad_norm(&s.optimizer));
    for (int i = 0; i < s.model->n_tensors; i++) {
        const struct tensor *x = &s.model->tensors[i];
        float got;
        s.ops->download(s.backend, &got, s.model->weights + x->offset, sizeof got);
        assert_close(got, tensor_is_norm(x->kind) ? 1 : 0.875, 1e-7);
    }
    stand_close(&s);
}

// How sparse the change is, of the numbers that there are: without the padding between tensors.
static void sparsity_and_size_of_the_change_are_counted(void **state)
{
    struct stand s;
    const struct optimizer_settings now = {.lr = 0.25, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-12, .l1 = 0.5};
    const float grads[N] = {3, -4, 0.5f, 12, 0, 0.25f, -1};
    double n = 0;
    json_t *config = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:b}", "model_type", "llama", "vocab_size", 50,
                               "hidden_size", 20, "num_hidden_layers", 1, "num_attention_heads", 2, "num_key_value_heads", 1,
                               "intermediate_size", 30, "max_position_embeddings", 16, "rms_norm_eps", 1e-5,
                               "tie_word_embeddings", 0);
    char *path = path_join(world.dir, "narrow.json"); // its tensors are no whole multiples of what they are aligned to
    assert_ok(json_write(path, config, e));
    stand_open(&s, path);
    for (int i = 0; i < s.model->n_tensors; i++)
        n += (double)s.model->tensors[i].rows * s.model->tensors[i].cols;
    assert_ok(optimizer_keep_start(&s.optimizer, e));
    put(&s, s.grads, grads);
    optimizer_step(&s.optimizer, &now, 1);
    assert_close(s.optimizer.l1_norm, 6 * 0.125, 1e-4); // each moves by lr, and goes back half of it
    assert_true(n < (double)s.model->n_floats);
    assert_close(s.optimizer.sparsity, (n - 6) / n, 1e-12);
    stand_close(&s);
    json_decref(config);
    free(path);
}

static int make_world(void **state)
{
    char *path = test_source("tests/golden/optimizer/adamw.json");
    world_make(&world, "llama");
    assert_ok(json_read(path, 1 << 20, &golden, e));
    free(path);
    return 0;
}

static int remove_world(void **state)
{
    json_decref(golden);
    world_remove(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_are_those_of_an_independent_adamw),
        cmocka_unit_test(only_matrices_decay),
        cmocka_unit_test(sparsity_and_size_of_the_change_are_counted),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
