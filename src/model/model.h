// A model in memory: architecture, weights and (when it is trained) gradients in one block of device
// memory each, described by a table of tensors. Weights stand in the layout that the backend wants
// (linear: (out, in)); loading and saving translate from and to the family's own names and layouts
// (GPT-2's transposed Conv1D and fused c_attn are split on loading and put together on saving).
//
// Owner: the trainer's thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/notes.h"
#include "model/arch.h"
#include "model/backend.h"

enum tensor_kind {
    // of a layer
    T_ATTN_NORM_W, T_ATTN_NORM_B, T_Q_W, T_Q_B, T_K_W, T_K_B, T_V_W, T_V_B, T_O_W, T_O_B,
    T_MLP_NORM_W, T_MLP_NORM_B, T_GATE_W, T_GATE_B, T_UP_W, T_UP_B, T_DOWN_W, T_DOWN_B,
    T_Q_NORM_W, T_K_NORM_W, // (1, head_dim)
    T_ATTN_POST_NORM_W, T_MLP_POST_NORM_W,
    N_LAYER_TENSORS,
    // of the whole model
    T_TOKEN_EMBED = N_LAYER_TENSORS, T_POSITION_EMBED, T_PROJECT_IN, T_PROJECT_OUT, T_FINAL_NORM_W, T_FINAL_NORM_B,
    T_HEAD_W, // absent when tied
    T_SCORE_W, // reward model: (1, d_embed), on what the head would read
    N_TENSOR_KINDS
};

static inline bool tensor_is_linear(enum tensor_kind kind) // what base_type is said of; a head is none
{
    return kind == T_Q_W || kind == T_K_W || kind == T_V_W || kind == T_O_W || kind == T_GATE_W || kind == T_UP_W ||
           kind == T_DOWN_W || kind == T_PROJECT_IN || kind == T_PROJECT_OUT;
}
static inline bool tensor_is_norm(enum tensor_kind kind) // its weight, which is around 1
{
    return kind == T_ATTN_NORM_W || kind == T_MLP_NORM_W || kind == T_FINAL_NORM_W || kind == T_Q_NORM_W ||
           kind == T_K_NORM_W || kind == T_ATTN_POST_NORM_W || kind == T_MLP_POST_NORM_W;
}

struct tensor {
    enum tensor_kind kind;
    int layer; // -1: of the whole model
    int rows, cols; // a vector has rows 1
    size_t offset; // in floats, in the weights block (and the gradients block); of a frozen model's vectors alone
    struct stored as; // what is computed with: the numbers of the block, a rounded copy of them, or those of the file
    void *own;     // device memory of `as` when it is the tensor's own
    bool decay;    // weight decay applies (matrices, not norms and biases)
};

// Low-rank adapters (Hu et al. 2021): w + factor b a, with a (rank, in) and b (out, rank); factor is alpha / rank. An
// adapter that was loaded may have ranks and factors of their own for some modules, and none for others.
struct lora_config {
    int rank; // the largest; 0: none
    float alpha;
    unsigned targets; // bit per tensor_kind among the linear weights
};
struct lora_pair {
    int in, out, rank;
    float factor;
    size_t a, b; // offsets in floats in the adapter block
};

struct model {
    struct arch arch;
    const struct backend_ops *ops;
    struct backend *backend;
    struct tensor *tensors;
    int n_tensors;
    int *index;        // tensor number by layer * N_TENSOR_KINDS + kind; layer n_layers is the whole model
    // The numbers that training may change: all of them, or, of a frozen model, vectors (norms, biases, a score head). A
    // frozen model's matrices lie in the type of their file, in the mapped file itself where its layout is ours.
    bool frozen;
    size_t n_floats;   // of the weights block, each tensor aligned to 16 floats; padding stays zero
    float *weights, *grads; // grads NULL unless full fine-tuning
    void *rounded;     // where the backend computes in another type: the block's matrices in it, at their offsets
    struct shards *files; // those that matrices are mapped from
    enum dtype base_type; // of linear layers: DTYPE_INT8 or DTYPE_NF4 when they are quantized, DTYPE_F32 when they are as elsewhere
    unsigned n_changes; // of the weights, since they were made: who keeps something that follows from them compares
    unsigned n_adapter_changes; // of an adapter's matrices, or of the vectors of a frozen model, as they are trained
    bool is_of_file;   // the weights are those of `dir`
    struct lora_config lora;
    struct lora_pair *lora_pairs; // by layer * N_LAYER_TENSORS + kind; in == 0 where there is none
    json_t *lora_file; // adapter_config.json of an adapter that was loaded; NULL for a new one
    size_t n_lora_floats;
    float *lora_weights, *lora_grads; // NULL without adapters
    bool is_adapter_twin; // all but the adapter is another model's (model_twin)
    bool adapter_on;   // off: the base model, which is the reference of a LoRA run
    float *rope_tables; // device memory of the following; NULL without rotary positions
    float *rope_cos[N_ATTN_KINDS], *rope_sin[N_ATTN_KINDS]; // (max_positions, head_dim / 2); kinds may share
    int n_rope_positions;
    bool scores_tokens; // with T_SCORE_W: it was taught to read every token of a response, not the last alone
    int pad_id; // with T_SCORE_W: the token that pads; a sequence's score is that of the last which is another. -1: none
    float *score_grads; // of T_SCORE_W when the base is frozen, else NULL
    struct generator *generator; // what samples from it, once somebody does
    void (*generator_free)(struct generator *g);
    json_t *config;    // config.json as it was read
    struct notes notes; // what a person should know of its files
    char *dir;         // where it was loaded from; NULL for a new model
    char *tokenizer_dir; // whose tokenizer files model_save copies beside the weights; dir unless set otherwise
    char *base_dir;    // of an adapter folder: the model that it adapts; else NULL
};

// Sequences of models with rotary positions are limited to so many tokens, whatever their config claims:
// the table of angles is made when the model is loaded.
enum { MODEL_MAX_POSITIONS = 32768 };

// What the trainer may change: all weights, or the adapter (and the score head).
enum trainable { TRAIN_NOTHING, TRAIN_ALL, TRAIN_ADAPTER };

// Loads a Hugging Face folder (config.json; model.safetensors, or sharded with its index; f32, bf16, f16).
// An adapter folder of PEFT (adapter_config.json) loads its base model and then the adapter.
// how: LOAD_SCORE gives it a reward head (from the file, else zero); LOAD_FROZEN leaves its matrices in the file's type,
// mapped where that is possible: for models that are asked, or trained by an adapter. The files must then stay as they
// are as long as the model lives (replacing them by renaming is fine). LOAD_INT8, LOAD_NF4: its linear layers are
// quantized (model/quantized.h); a model that is not frozen has the numbers that are left of theirs. An adapter that was
// trained on a quantized base gets the same one without being told.
// LOAD_HEADERS: no weights at all, and neither ops nor backend: whether the folder is one that would load, as far as config
// and headers say, with the architecture, the table of tensors and the files open. For looking at alone.
enum { LOAD_SCORE = 1, LOAD_FROZEN = 2, LOAD_INT8 = 4, LOAD_NF4 = 8, LOAD_HEADERS = 16 };
// The files behind headers and frozen weights, of an adapter its base's; NULL behind the last.
struct st_file;
const struct st_file *model_file(const struct model *m, int i);
unsigned model_load_as(enum dtype base_type); // LOAD_INT8, LOAD_NF4, or 0
int model_load(struct model **out, const char *dir, const struct backend_ops *ops, struct backend *backend, unsigned how,
               struct err *e);
// SHA-256 over the weight files and configs of a folder, an adapter's included. It is remembered by the files' sizes and
// times (in the user's cache folder), so that a large model is read for it once.
int model_folder_hash(const char *dir, char hash[65], struct err *e);
// The folder with the tokenizer of a model folder: its own, or of an adapter that has none its base's; heap.
char *model_find_tokenizer(const char *dir);
// Whether a folder's model has a reward head, by its config.json (of an adapter: its base's tensors decide).
bool model_folder_has_score(const char *dir);
// A new model from a config.json object: weights N(0, initializer_range), by default 0.02, residual projections
// scaled by 1/sqrt(2 n_layers). Narrow models need a wider range, about 1/sqrt(hidden_size).
int model_new(struct model **out, const json_t *config, const struct backend_ops *ops, struct backend *backend,
              uint64_t seed, struct err *e);
// The same weights in memory of their own, without gradients; for models without an adapter that are not frozen. It has no
// folder. how: LOAD_SCORE gives it a score head, that of `from` or a zero one.
int model_copy(struct model **out, const struct model *from, unsigned how, struct err *e);
// The weights of another model of the same architecture, its adapter merged, into one that is not frozen.
int model_take(struct model *into, const struct model *from, struct err *e);
// The same model for another thread, on another backend of the same device: it is asked while the first is trained. What
// training changes has memory of its own, zeros until model_put_trained; the rest is `of`'s, which must outlive it.
int model_twin(struct model **out, const struct model *of, struct backend *backend, struct err *e);
// What training changes (the adapter, else all weights), from and into a block of model_n_trained floats of the host.
size_t model_n_trained(const struct model *m);
int model_get_trained(const struct model *m, float *host, struct err *e);
int model_put_trained(struct model *m, const float *host, struct err *e);
void model_free(struct model *m); // NULL is fine

// Makes room for gradients. TRAIN_ADAPTER needs model_add_lora (or an adapter that was loaded) before.
int model_set_trainable(struct model *m, enum trainable what, struct err *e);
// targets: comma-separated names as PEFT writes them ("q_proj,v_proj", "c_attn"), "all-linear", or "" for
// the family's usual ones (q and v). a ~ Kaiming-uniform as PEFT, b = 0.
// lora_read_targets says the same of an architecture alone: the bit set of tensor kinds, or ERR_USAGE with what there is.
int lora_read_targets(const struct arch *a, const char *targets, unsigned *out, struct err *e);
double lora_n_params(const struct arch *a, int rank, unsigned targets); // of a new adapter, at most
int model_add_lora(struct model *m, int rank, float alpha, const char *targets, uint64_t seed, struct err *e);

// NULL when the model has no such tensor. `layer` is ignored for whole-model kinds.
const struct tensor *model_tensor(const struct model *m, enum tensor_kind kind, int layer);
struct stored model_stored(const struct model *m, enum tensor_kind kind, int layer); // to compute with; .at NULL when absent
float *model_weight(const struct model *m, enum tensor_kind kind, int layer); // in the block of weights; NULL when absent
// n rows from row `first` on, as f32; the exact numbers, not rounded ones.
int model_read(const struct model *m, const struct tensor *t, int first, int n, float *host, struct err *e);
// To be called after the block of weights was written to: what stands beside it is made anew.
void model_weights_changed(struct model *m);
// The same where the matrices are as they were: of a frozen model what is trained has changed.
void model_adapter_changed(struct model *m);
float *model_grad(const struct model *m, enum tensor_kind kind, int layer);   // NULL when absent or frozen
const struct lora_pair *model_lora(const struct model *m, enum tensor_kind kind, int layer);

// The trainable floats as list of blocks, for optimizer and checkpoints. Returns how many (at most 2): the whole
// model, or the adapter and then the score head where there is one.
struct param_block {
    float *weights, *grads;
    size_t n;
    const char *name; // "model", "adapter" or "score"
};
int model_param_blocks(const struct model *m, struct param_block blocks[2]);
// Ranges of weights with and without decay inside a block, in order: [begin, end).
struct param_range {
    size_t begin, end;
    bool decay;
};
int model_param_ranges(const struct model *m, int block, struct param_range **out); // heap; returns how many

// Saves as the folder it came from has it (names, layouts, config, tokenizer files copied beside), in `dtype`.
// A LoRA model saves PEFT's adapter_model.safetensors + adapter_config.json.
// Atomic per folder: written as DIR.tmp, renamed.
enum save_dtype { SAVE_F32, SAVE_BF16, SAVE_F16 };
int model_save(const struct model *m, const char *dir, enum save_dtype dtype, struct err *e);
// The whole model, an adapter merged into its tensors one after the other.
int model_save_whole(const struct model *m, const char *dir, enum save_dtype dtype, struct err *e);
int model_merge_lora(struct model *m, struct err *e); // w += s b a, not of a frozen model; the adapter is gone afterwards
