#include "config.h"

#include "testing.h"

#include "base/json.h"
#include "model/safetensors.h"
#include "model/st_types.h"

static char *folder;

static char *file_with(const char *header, uint64_t header_bytes, size_t n_data)
{
    char *path = path_join(folder, "x.safetensors");
    struct str s = {0};
    for (int i = 0; i < 8; i++)
        str_addc(&s, (char)(header_bytes >> (8 * i)));
    str_add(&s, header);
    for (size_t i = 0; i < n_data; i++)
        str_addc(&s, (char)i);
    assert_ok(file_write(path, s.data, s.len, e));
    str_fini(&s);
    return path;
}

static void every_broken_file_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *header, *reason;
        uint64_t claimed; // 0: the header's true length
        size_t n_data;
    } rows[] = {
        {"{}", "stand after the last tensor", 0, 4},
        {"[]", "not a JSON object", 0, 0},
        {"{", "not valid JSON", 0, 0},
        {"{\"\xff\":1}", "not UTF-8", 0, 0},
        {"{}", "longer than the file", 1000, 0},
        {"{}", "more than the format allows", 1ull << 40, 0},
        {"{}", "more than the format allows", ~0ull, 0},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "outside of the file", 0, 2},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "its shape needs 8", 0, 4},
        {"{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}", "unknown dtype", 0, 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "no valid shape", 0, 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,4],\"data_offsets\":[0,4]}}", "too large", 0, 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "outside of the file", 0, 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", "no valid data_offsets", 0, 4},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}", "a gap or an overlap", 0, 6},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", "a gap or an overlap", 0, 2},
        {"{\"__metadata__\":{\"a\":1}}", "which is not a text", 0, 0},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", "duplicate", 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *path = file_with(rows[i].header, rows[i].claimed ? rows[i].claimed : strlen(rows[i].header), rows[i].n_data);
        struct st_file *f = NULL;
        struct err fault = {0};
        int code = st_open(&f, path, &fault);
        if (code != ERR_INPUT || !strstr(fault.text, rows[i].reason))
            fail_msg("row %zu: code %d, \"%s\" should hold \"%s\"", i, code, fault.text, rows[i].reason);
        assert_null(f);
        free(path);
    }
    struct st_file *f;
    struct err fault = {0};
    char *path = path_join(folder, "short");
    assert_ok(file_write(path, "abc", 3, e));
    assert_int_equal(st_open(&f, path, &fault), ERR_INPUT);
    assert_int_equal(st_open(&f, folder, &fault), ERR_INPUT);
    assert_int_equal(st_open(&f, "/nonexistent", &fault), ERR_NOT_FOUND);
    free(path);
}

static void what_is_written_reads_back_in_every_float_type(void **state)
{
    static const enum st_dtype dtypes[] = {ST_F32, ST_BF16, ST_F16};
    static const float values[6] = {0, -1.5f, 3.25f, 65504, -0x1p-24f, 0.333333343f};
    static const double relative[] = {0, 0x1p-8, 0x1p-11};
    for (int d = 0; d < 3; d++) {
        char *path = path_join(folder, "w.safetensors");
        struct st_spec specs[] = {{"b", dtypes[d], 2, {2, 3}}, {"a", ST_I64, 1, {1}}};
        int64_t whole = -7;
        json_t *metadata = json_pack("{s:s}", "format", "pt");
        struct st_writer *w;
        assert_ok(st_writer_open(&w, path, specs, 2, metadata, e));
        assert_ok(st_writer_add_f32(w, values, 6, dtypes[d], e));
        assert_ok(st_writer_add(w, &whole, 8, e));
        assert_ok(st_writer_commit(w, e));
        json_decref(metadata);
        struct st_file *f;
        assert_ok(st_open(&f, path, e));
        assert_int_equal(f->n_tensors, 2);
        assert_string_equal(json_string_value(json_object_get(f->metadata, "format")), "pt");
        const struct st_tensor *t = st_find(f, "b");
        assert_non_null(t);
        assert_int_equal(t->n_dims, 2);
        assert_int_equal(t->dims[1], 3);
        assert_int_equal((uintptr_t)t->bytes % 8, 0);
        float back[6];
        assert_ok(st_to_f32(f, t, back, e));
        for (int i = 0; i < 6; i++)
            assert_close(back[i], values[i], fabs(values[i]) * relative[d]);
        struct err fault = {0};
        assert_int_equal(st_to_f32(f, st_find(f, "a"), back, &fault), ERR_UNSUPPORTED);
        assert_null(st_find(f, "c"));
        st_close(f);
        free(path);
    }
}

// Every half-precision value survives f32 and back; rounding is to nearest even, checked against the two neighbours.
static void halves_convert_exactly_and_round_to_nearest_even(void **state)
{
    for (uint32_t h = 0; h < 0x10000; h++) {
        float f = f32_from_f16((uint16_t)h), b = f32_from_bf16((uint16_t)h);
        if (!isnan(f))
            assert_int_equal(f16_from_f32(f), h);
        if (!isnan(b))
            assert_int_equal(bf16_from_f32(b), h);
    }
    for (uint32_t h = 0; h < 0x7bff; h++) { // halfway points go to the even neighbour
        float middle = (f32_from_f16((uint16_t)h) + f32_from_f16((uint16_t)(h + 1))) / 2;
        assert_int_equal(f16_from_f32(middle), h + (h & 1));
        assert_int_equal(f16_from_f32(nextafterf(middle, 0)), h);
        assert_int_equal(f16_from_f32(nextafterf(middle, INFINITY)), h + 1);
    }
    assert_int_equal(f16_from_f32(65519.9f), 0x7bff);
    assert_int_equal(f16_from_f32(65520), 0x7c00);
    assert_int_equal(f16_from_f32(-INFINITY), 0xfc00);
    assert_true(isnan(f32_from_f16(f16_from_f32(NAN))));
    assert_true(isnan(f32_from_bf16(bf16_from_f32(NAN))));
    assert_int_equal(bf16_from_f32(1 + 0x1p-8f), 0x3f80);
    assert_int_equal(bf16_from_f32(1 + 3 * 0x1p-8f), 0x3f82);
}

static void upstream_vectors_get_the_upstream_verdict(void **state)
{
    char *list = test_asset("conformance/safetensors/vectors/vectors.json");
    if (!list)
        skip();
    json_t *json;
    assert_ok(json_read(list, 1 << 20, &json, e));
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(json, "vectors"), i, row) {
        struct str name = {0};
        str_addf(&name, "conformance/safetensors/vectors/%s", json_string_value(json_object_get(row, "file")));
        char *path = test_asset(str_text(&name));
        struct st_file *f = NULL;
        struct err fault = {0};
        int code = st_open(&f, path, &fault);
        bool good = text_starts(json_string_value(json_object_get(row, "expect")), "ok");
        if ((code == 0) != good)
            fail_msg("%s: expected %s, got %d %s", path, json_string_value(json_object_get(row, "expect")), code,
                     fault.text);
        st_close(f);
        free(path);
        str_fini(&name);
    }
    json_decref(json);
    free(list);
    char *real = test_asset("conformance/safetensors/candle_csm_voices.safetensors");
    struct st_file *f;
    assert_ok(st_open(&f, real, e));
    assert_true(f->n_tensors > 0);
    st_close(f);
    free(real);
}

static int make_folder(void **state)
{
    folder = test_folder();
    return 0;
}

static int remove_folder(void **state)
{
    int code = file_remove_tree(folder, NULL);
    free(folder);
    return code;
}

// At every place of a long tensor, in each type: the largest numbers pass, NaN and infinity are found where they are.
static void what_is_not_finite_is_found_where_it_is(void **state)
{
    enum { N = 40000 };
    static const struct {
        enum st_dtype type;
        size_t each;
        uint32_t largest, infinite, nan; // their bits
    } rows[] = {{ST_BF16, 2, 0x7f7f, 0x7f80, 0xffc0}, {ST_F16, 2, 0x7bff, 0xfc00, 0x7c01},
                {ST_F32, 4, 0x7f7fffff, 0xff800000, 0x7f800001}};
    static const size_t places[] = {0, 1, 2, 3, 4, 15, 16, 17, 16383, 16384, 16385, 39990, N - 1};
    const struct st_file f = {.path = "x"};
    unsigned char *bytes = calloc(N + 1, 4);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        // A length that is no multiple of anything, and a beginning that is not aligned.
        const struct st_tensor t = {.name = "w", .dtype = rows[r].type, .n_elements = N, .bytes = bytes + 1,
                                    .n_bytes = N * rows[r].each};
        struct err fault = {0};
        for (size_t i = 0; i < N; i++)
            memcpy(bytes + 1 + i * rows[r].each, &rows[r].largest, rows[r].each);
        assert_ok(st_check_finite(&f, &t, e));
        for (size_t p = 0; p < sizeof places / sizeof *places; p++)
            for (int nan = 0; nan < 2; nan++) {
                char where[64];
                memcpy(bytes + 1 + places[p] * rows[r].each, nan ? &rows[r].nan : &rows[r].infinite, rows[r].each);
                snprintf(where, sizeof where, "element %zu of tensor \"w\" is %s", places[p],
                         nan ? "not a number" : "infinite");
                assert_int_equal(st_check_finite(&f, &t, &fault), ERR_NUMERIC);
                assert_non_null(strstr(fault.text, where));
                memcpy(bytes + 1 + places[p] * rows[r].each, &rows[r].largest, rows[r].each);
            }
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_file_is_refused_with_a_reason),
        cmocka_unit_test(what_is_written_reads_back_in_every_float_type),
        cmocka_unit_test(what_is_not_finite_is_found_where_it_is),
        cmocka_unit_test(halves_convert_exactly_and_round_to_nearest_even),
        cmocka_unit_test(upstream_vectors_get_the_upstream_verdict),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
