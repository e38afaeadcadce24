// Rotary positions. transformers 5 writes "rope_parameters": one object, or one for each kind of layer; before it stood
// "rope_theta" and "rope_scaling". Where a config has both, they must say the same.
#include "config.h"

#include <math.h>
#include <string.h>

#include "model/arch_reader.h"

static const char *const scaling_names[] = {[ROPE_PLAIN] = "default", [ROPE_LINEAR] = "linear", [ROPE_DYNAMIC] = "dynamic",
                                            [ROPE_LLAMA3] = "llama3", [ROPE_YARN] = "yarn"};
enum { N_SCALINGS = sizeof scaling_names / sizeof *scaling_names };
static const char *const kind_names[] = {[ATTN_FULL] = "full_attention", [ATTN_SLIDING] = "sliding_attention"};

static const struct member_row rope_members[] = {
    {"rope_type", MEMBER_USED, NULL},
    {"type", MEMBER_USED, NULL},
    {"rope_theta", MEMBER_USED, NULL},
    {"factor", MEMBER_USED, NULL},
    {"original_max_position_embeddings", MEMBER_USED, NULL},
    {"low_freq_factor", MEMBER_USED, NULL},
    {"high_freq_factor", MEMBER_USED, NULL},
    {"attention_factor", MEMBER_USED, NULL},
    {"beta_fast", MEMBER_USED, NULL},
    {"beta_slow", MEMBER_USED, NULL},
    {"mscale", MEMBER_USED, NULL},
    {"mscale_all_dim", MEMBER_USED, NULL},
    {"truncate", MEMBER_USED, NULL},
    {"partial_rotary_factor", MEMBER_NEUTRAL, "1"},
    {"mrope_section", MEMBER_NEUTRAL, ""},
    {"mrope_interleaved", MEMBER_NEUTRAL, "false"},
    {"alpha", MEMBER_NEUTRAL, ""},
    {"short_factor", MEMBER_HARMLESS, NULL}, // of longrope, which is refused by its type
    {"long_factor", MEMBER_HARMLESS, NULL},
    {"finetuned", MEMBER_HARMLESS, NULL},
    {0},
};

const char *rope_scaling_name(enum rope_scaling scaling)
{
    return scaling_names[scaling];
}

bool rope_same(const struct rope *a, const struct rope *b)
{
    return a->theta == b->theta && a->scaling == b->scaling && a->factor == b->factor &&
           a->original_positions == b->original_positions && a->low_freq == b->low_freq && a->high_freq == b->high_freq &&
           a->beta_fast == b->beta_fast && a->beta_slow == b->beta_slow && a->truncate == b->truncate &&
           a->on_cos_sin == b->on_cos_sin;
}

static enum rope_scaling read_type(struct reader *s)
{
    const char *type = reader_text(s, "rope_type", NULL);
    if (!type)
        type = reader_text(s, "type", "default");
    for (int i = 0; !s->code && i < N_SCALINGS; i++)
        if (strcmp(type, scaling_names[i]) == 0)
            return (enum rope_scaling)i;
    reader_fail(s, ERR_UNSUPPORTED, "%s: rotary positions of type \"%.40s\" are not supported; supported are default, "
                "linear, dynamic, llama3 and yarn", s->where, s->code ? "" : type);
    return ROPE_PLAIN;
}

// The factor on cos and sin by YaRN, and DeepSeek's two scales in it.
static double yarn_magnitude(double factor, double scale)
{
    return factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1;
}

static void read_yarn(struct reader *s, struct rope *rope, const struct arch *a)
{
    const double m = reader_real(s, "mscale", 0), all = reader_real(s, "mscale_all_dim", 0);
    rope->factor = reader_has(s, "factor") ? reader_real(s, "factor", 1)
                                           : (double)a->max_positions / rope->original_positions;
    const double usual = m != 0 && all != 0 ? yarn_magnitude(rope->factor, m) / yarn_magnitude(rope->factor, all)
                                            : yarn_magnitude(rope->factor, 1);
    rope->on_cos_sin = reader_real(s, "attention_factor", usual);
    rope->beta_fast = reader_real(s, "beta_fast", 0);
    rope->beta_slow = reader_real(s, "beta_slow", 0);
    rope->beta_fast = rope->beta_fast != 0 ? rope->beta_fast : 32;
    rope->beta_slow = rope->beta_slow != 0 ? rope->beta_slow : 1;
    rope->truncate = reader_flag(s, "truncate", true);
    if (!s->code && !(rope->on_cos_sin > 0 && rope->beta_fast > 0 && rope->beta_slow > 0 && isfinite(rope->on_cos_sin)))
        reader_fail(s, ERR_INPUT, "%s: the YaRN settings of the rotary positions are impossible", s->where);
}

// One object of settings; NULL: none, which are plain positions.
static struct rope read_settings(struct reader *r, const json_t *settings, const struct arch *a, double theta)
{
    static const struct member_row *const tables[] = {rope_members, NULL};
    struct reader s = {.config = settings, .where = r->where, .notes = r->notes, .e = r->e, .code = r->code};
    struct rope rope = {.theta = theta, .factor = 1, .on_cos_sin = 1};
    if (s.code)
        return rope;
    s.code = members_check(settings, tables, r->where, r->notes, r->e);
    rope.scaling = read_type(&s);
    rope.theta = reader_real(&s, "rope_theta", theta);
    if (rope.scaling == ROPE_LLAMA3 || rope.scaling == ROPE_YARN) {
        const int64_t inner = reader_whole(&s, "original_max_position_embeddings", a->max_positions, 1, MAX_POSITIONS);
        rope.original_positions = (int)inner;
    }
    if (rope.scaling == ROPE_YARN)
        read_yarn(&s, &rope, a);
    else if (rope.scaling != ROPE_PLAIN)
        rope.factor = reader_needed_real(&s, "factor");
    if (rope.scaling == ROPE_LLAMA3) {
        rope.low_freq = reader_needed_real(&s, "low_freq_factor");
        rope.high_freq = reader_needed_real(&s, "high_freq_factor");
    }
    if (!s.code && (!(rope.factor >= 1) || !isfinite(rope.factor) ||
                    (rope.scaling == ROPE_LLAMA3 && !(rope.low_freq > 0 && rope.high_freq > rope.low_freq))))
        reader_fail(&s, ERR_INPUT, "%s: the scaling of the rotary positions has an impossible factor", s.where);
    r->code = s.code;
    return rope;
}

// "rope_parameters" or "rope_scaling": for every kind of layer the same, or an object for each. theta: by kind, where the
// object does not say. Gemma 3 scales its full layers alone.
static void read_object(struct reader *r, const char *key, const struct arch *a, const double *theta, struct rope *ropes)
{
    const bool full_alone = a->family == ARCH_GEMMA3;
    const json_t *object = json_object_get(r->config, key);
    bool nested = false;
    if (object && !json_is_null(object) && !json_is_object(object))
        reader_fail(r, ERR_INPUT, "%s: \"%s\" must be an object", r->where, key);
    for (int i = 0; i < N_ATTN_KINDS; i++)
        nested = nested || json_is_object(json_object_get(object, kind_names[i]));
    if (full_alone && !nested && json_object_get(object, "rope_type") && strcmp(key, "rope_parameters") == 0)
        reader_fail(r, ERR_UNSUPPORTED, "%s: \"rope_parameters\" must say it for full_attention and sliding_attention: "
                    "these layers of a Gemma 3 model have rotary positions of their own", r->where);
    for (int i = 0; i < N_ATTN_KINDS && !r->code; i++)
        ropes[i] = read_settings(r, nested                              ? json_object_get(object, kind_names[i])
                                    : full_alone && i == ATTN_SLIDING ? NULL
                                                                      : object, a, theta[i]);
    const char *name;
    json_t *value;
    if (nested && !r->code)
        json_object_foreach((json_t *)object, name, value)
            if (strcmp(name, kind_names[0]) != 0 && strcmp(name, kind_names[1]) != 0 && !json_is_null(value))
                reader_fail(r, ERR_UNSUPPORTED, "%s: \"%s\" holds \"%.60s\" beside the kinds of layers full_attention and "
                            "sliding_attention", r->where, key, name);
}

static void check_theta(struct reader *r, const struct rope *rope, const char *key, double outer)
{
    if (!r->code && reader_has(r, key) && rope->theta != outer)
        reader_fail(r, ERR_INPUT, "%s: \"%s\" is %g, but %g among the rotary settings: they contradict each other", r->where,
                    key, outer, rope->theta);
    if (!r->code && (!(rope->theta > 1) || !isfinite(rope->theta)))
        reader_fail(r, ERR_INPUT, "%s: \"rope_theta\" must be larger than 1", r->where);
}

void read_rope(struct reader *r, struct arch *a)
{
    const bool local = a->family == ARCH_GEMMA3; // its layers with a window have a base of their own
    const char *const keys[] = {"rope_theta", local ? "rope_local_base_freq" : "rope_theta"};
    const double outer[] = {reader_real(r, keys[0], local ? 1e6 : 10000), reader_real(r, keys[1], 10000)};
    const bool both = reader_has(r, "rope_parameters") && reader_has(r, "rope_scaling");
    struct rope old[N_ATTN_KINDS];
    read_object(r, reader_has(r, "rope_parameters") ? "rope_parameters" : "rope_scaling", a, outer, a->ropes);
    const double theta[] = {a->ropes[ATTN_FULL].theta, a->ropes[ATTN_SLIDING].theta};
    if (both)
        read_object(r, "rope_scaling", a, theta, old);
    for (int i = 0; i < N_ATTN_KINDS; i++) {
        if (!r->code && both && !rope_same(&old[i], &a->ropes[i]))
            reader_fail(r, ERR_INPUT,
                        "%s: \"rope_parameters\" and \"rope_scaling\" contradict each other: take one of them out",
                        r->where);
        check_theta(r, &a->ropes[i], keys[i], outer[i]);
        // Where it stands outside as well, as Phi-3 has it, transformers takes that one.
        if (a->ropes[i].original_positions)
            a->ropes[i].original_positions = (int)reader_whole(r, "original_max_position_embeddings",
                                                               a->ropes[i].original_positions, 1, MAX_POSITIONS);
    }
    if (!r->code && a->head_dim % 2)
        reader_fail(r, ERR_INPUT, "%s: \"head_dim\" is %d, must be even", r->where, a->head_dim);
}

// ---- angles ----

// YaRN (Peng et al. 2023): interpolate slow angles, keep fast ones, blend between by a ramp over dimensions.
static void yarn(const struct rope *r, int head_dim, float *inv_freq)
{
    const double length = r->original_positions, two_pi = 6.283185307179586;
    double low = head_dim * log(length / (r->beta_fast * two_pi)) / (2 * log(r->theta));
    double high = head_dim * log(length / (r->beta_slow * two_pi)) / (2 * log(r->theta));
    if (r->truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, head_dim - 1);
    if (low == high)
        high += 0.001;
    for (int i = 0; i < head_dim / 2; i++) {
        double ramp = fmin(fmax((i - low) / (high - low), 0), 1);
        double plain = pow(r->theta, -2.0 * i / head_dim);
        inv_freq[i] = (float)(plain / r->factor * ramp + plain * (1 - ramp));
    }
}

// Llama 3.1: wavelengths over the original length are divided by the factor, short ones kept, between blended.
static double llama3(const struct rope *r, double inv_freq)
{
    double wavelength = 6.283185307179586 / inv_freq, length = r->original_positions;
    if (wavelength < length / r->high_freq)
        return inv_freq;
    if (wavelength > length / r->low_freq)
        return inv_freq / r->factor;
    double smooth = (length / wavelength - r->low_freq) / (r->high_freq - r->low_freq);
    return (1 - smooth) * inv_freq / r->factor + smooth * inv_freq;
}

void rope_frequencies(const struct rope *r, int head_dim, float *inv_freq, float *factor)
{
    *factor = (float)r->on_cos_sin;
    if (r->scaling == ROPE_YARN) {
        yarn(r, head_dim, inv_freq);
        return;
    }
    for (int i = 0; i < head_dim / 2; i++) {
        double speed = pow(r->theta, -2.0 * i / head_dim);
        if (r->scaling == ROPE_LINEAR)
            speed /= r->factor;
        else if (r->scaling == ROPE_LLAMA3)
            speed = llama3(r, speed);
        // ROPE_DYNAMIC changes nothing up to max_position_embeddings, and longer texts are refused.
        inv_freq[i] = (float)speed;
    }
}
