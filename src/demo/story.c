// Stories and pairs: who plays in them, which style they end in, and what people chose.
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "demo/demo.h"
#include "demo/story_rules.h"

enum { N_VARIABLES = 15 };
// Sub-streams of RNG_DEMO: a story is its index, a pair its index with the top bit set.
static const uint32_t pair_bit = 0x80000000u;

static int pick(struct rng *r, int n)
{
    return (int)rng_below(r, (uint64_t)n);
}

// The two who play have different pronouns, so that "she" and "he" say who is meant.
static void cast(struct rng *r, struct grammar_variable v[N_VARIABLES])
{
    const struct character *hero = &story_cast[pick(r, story_n_cast)], *friend = hero;
    while (friend->gender == hero->gender)
        friend = &story_cast[pick(r, story_n_cast)];
    const char *const *place = story_places[pick(r, story_n_places)];
    const char *const *thing = story_things[pick(r, story_n_things)];
    bool she = hero->gender == 'f';
    const struct grammar_variable all[N_VARIABLES] = {
        {"hero", hero->name},
        {"kind", hero->kind},
        {"he", she ? "she" : "he"},
        {"him", she ? "her" : "him"},
        {"his", she ? "her" : "his"},
        {"friend", friend->name},
        {"fkind", friend->kind},
        {"fhe", she ? "he" : "she"},
        {"fhim", she ? "him" : "her"},
        {"fhis", she ? "his" : "her"},
        {"place", place[0]},
        {"near", place[1]},
        {"thing", thing[0]},
        {"noun", thing[1]},
        {0},
    };
    memcpy(v, all, sizeof all);
}

static char *expanded(const struct grammar_variable *variables, const char *pattern, struct rng *r)
{
    const struct grammar g = {story_rules, variables};
    struct str s = {0};
    grammar_expand(&g, pattern, r, &s);
    grammar_finish(&s);
    return str_take(&s);
}

static char *make_opening(const struct grammar_variable *variables, struct rng *r)
{
    return expanded(variables, pick(r, 8) == 0 ? "{story_alone}" : "{story_friends}", r);
}

static char *make_ending(const struct grammar_variable *variables, int style, struct rng *r)
{
    static const char *const patterns[DEMO_N_STYLES] = {
        [DEMO_COZY] = " {ending_cozy}", [DEMO_ADVENTURE] = " {ending_adventure}", [DEMO_SONG] = " {ending_song}"};
    return expanded(variables, patterns[style], r);
}

static int draw_style(struct rng *r)
{
    double u = rng_uniform(r);
    int style = 0;
    while (style < DEMO_N_STYLES - 1 && u >= demo_styles[style].share)
        u -= demo_styles[style++].share;
    return style;
}

void demo_story_make(struct demo_story *s, uint64_t seed, uint32_t index)
{
    BUG_IF(index & pair_bit);
    struct rng r = rng_make(seed, RNG_DEMO, index);
    struct grammar_variable variables[N_VARIABLES];
    cast(&r, variables);
    s->opening = make_opening(variables, &r);
    s->style = draw_style(&r);
    s->ending = make_ending(variables, s->style, &r);
}

void demo_story_fini(struct demo_story *s)
{
    free(s->opening);
    free(s->ending);
    *s = (struct demo_story){.style = DEMO_NO_STYLE};
}

// Seven in ten compare cozy and adventure; the others compare with songs, or two endings of one style.
static void draw_styles(struct rng *r, int styles[2])
{
    double u = rng_uniform(r);
    styles[0] = u < 0.85 ? DEMO_COZY : DEMO_ADVENTURE;
    if (u < 0.7)
        styles[1] = DEMO_ADVENTURE;
    else if (u < 0.78 || (u >= 0.85 && u < 0.93))
        styles[1] = DEMO_SONG;
    else
        styles[1] = styles[0];
}

void demo_pair_make(struct demo_pair *p, uint64_t seed, uint32_t index)
{
    BUG_IF(index & pair_bit);
    struct rng r = rng_make(seed, RNG_DEMO, index | pair_bit);
    struct grammar_variable variables[N_VARIABLES];
    int styles[2];
    cast(&r, variables);
    p->prompt = make_opening(variables, &r);
    draw_styles(&r, styles);
    char *first = make_ending(variables, styles[0], &r), *second = make_ending(variables, styles[1], &r);
    while (strcmp(first, second) == 0) {
        free(second);
        second = make_ending(variables, styles[1], &r);
    }
    double likes_first = demo_preference(styles[0], styles[1]);
    bool took_first = rng_uniform(&r) < likes_first;
    p->chosen = took_first ? first : second;
    p->rejected = took_first ? second : first;
    p->chosen_style = styles[took_first ? 0 : 1];
    p->rejected_style = styles[took_first ? 1 : 0];
    p->preference = took_first ? likes_first : 1 - likes_first;
}

void demo_pair_fini(struct demo_pair *p)
{
    free(p->prompt);
    free(p->chosen);
    free(p->rejected);
    *p = (struct demo_pair){.chosen_style = DEMO_NO_STYLE, .rejected_style = DEMO_NO_STYLE};
}

static void add_json_line(struct str *out, json_t *row)
{
    char *line = json_dumps(row, JSON_REAL_PRECISION(6));
    BUG_IF(!line);
    str_addf(out, "%s\n", line);
    free(line);
    json_decref(row);
}

// Texts parted by blank lines (what a tokenizer learns from, too), or JSON lines.
static void add_story_text(struct str *out, uint64_t seed, uint32_t index)
{
    struct demo_story s;
    demo_story_make(&s, seed, index);
    str_addf(out, "%s%s\n\n", s.opening, s.ending);
    demo_story_fini(&s);
}

static void add_story_row(struct str *out, uint64_t seed, uint32_t index)
{
    struct demo_story s;
    demo_story_make(&s, seed, index);
    struct str text = {0};
    str_addf(&text, "%s%s", s.opening, s.ending);
    add_json_line(out, json_pack("{s:s}", "text", str_text(&text)));
    str_fini(&text);
    demo_story_fini(&s);
}

static void add_pair_row(struct str *out, uint64_t seed, uint32_t index)
{
    struct demo_pair p;
    demo_pair_make(&p, seed, index);
    add_json_line(out, json_pack("{s:s, s:s, s:s, s:s, s:s, s:f}", "prompt", p.prompt, "chosen", p.chosen, "rejected",
                                 p.rejected, "chosen_style", demo_styles[p.chosen_style].name, "rejected_style",
                                 demo_styles[p.rejected_style].name, "preference", p.preference));
    demo_pair_fini(&p);
}

static int write_rows(const char *path, uint32_t n, uint64_t seed, void (*add)(struct str *, uint64_t, uint32_t),
                      struct err *e)
{
    struct file_out *out;
    int code = file_out_open(&out, path, e);
    if (code)
        return code;
    struct str rows = {0};
    for (uint32_t i = 0; i < n && !code; i++) {
        add(&rows, seed, i);
        if (rows.len > 1 << 16 || i + 1 == n) {
            code = file_out_write(out, rows.data, rows.len, e);
            str_clear(&rows);
        }
    }
    str_fini(&rows);
    if (code) {
        file_out_abort(out);
        return code;
    }
    return file_out_commit(out, e);
}

int demo_write_corpus(const char *path, uint32_t n, uint64_t seed, struct err *e)
{
    return write_rows(path, n, seed, text_ends(path, ".txt") ? add_story_text : add_story_row, e);
}

int demo_write_pairs(const char *path, uint32_t n, uint64_t seed, struct err *e)
{
    return write_rows(path, n, seed, add_pair_row, e);
}
