/* Any bytes are a model whose every text and list can be read to its end, or are refused in one line; a model is a graph, or is
 * refused in one line. */
#include "harness/ir/onnx/import.h"

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

static size_t text_bytes(const char *text)
{
    return text ? strlen(text) : 0;
}

/* Content, where it is understood, is as long as type and shape say. */
static void look_at_tensor(const struct assay_onnx_tensor *t, struct assay_arena *arena)
{
    struct assay_error      err = {.code = ASSAY_OK};
    struct assay_onnx_array a;
    if (assay_onnx_tensor_array(t, "x.onnx", arena, &a, &err)) {
        FUZZ_HOLDS(strncmp(err.message, "x.onnx: ", 8) == 0 && !strchr(err.message, '\n'));
        return;
    }
    const unsigned char *at = a.data;
    unsigned             sum = 0;
    FUZZ_HOLDS(a.rank >= 0 && a.rank <= ASSAY_MAX_RANK && a.bytes == assay_dtype_bytes(a.dtype, a.elements));
    for (uint64_t i = 0; i < a.bytes; i++)
        sum += at[i];
    FUZZ_HOLDS(sum <= 255 * a.bytes);
}

static size_t look_at_graph(const struct assay_onnx_graph *g, struct assay_arena *arena)
{
    size_t all = text_bytes(g->name);
    for (size_t i = 0; i < g->n_nodes; i++) {
        const struct assay_onnx_node *node = &g->nodes[i];
        for (size_t j = 0; j < node->n_inputs; j++)
            all += text_bytes(node->inputs[j]);
        for (size_t j = 0; j < node->n_outputs; j++)
            all += text_bytes(node->outputs[j]);
        for (size_t j = 0; j < node->n_attributes; j++)
            all += node->attributes[j].g ? look_at_graph(node->attributes[j].g, arena) : text_bytes(node->attributes[j].name);
    }
    for (size_t i = 0; i < g->n_initializers; i++)
        look_at_tensor(&g->initializers[i], arena);
    for (size_t i = 0; i < g->n_inputs; i++)
        all += text_bytes(g->inputs[i].name);
    return all;
}

static void import(const struct assay_onnx_model *m)
{
    struct assay_error  err = {.code = ASSAY_OK};
    struct assay_graph *g = NULL;
    if (assay_onnx_import(m, "x.onnx", NULL, 0, &g, &err)) {
        FUZZ_HOLDS(err.code != ASSAY_OK && err.message[0] && !strchr(err.message, '\n'));
        return;
    }
    FUZZ_HOLDS(g->finished && g->n_nodes > 0 && assay_graph_outputs(g, NULL, 0) > 0);
    assay_graph_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error       err = {.code = ASSAY_OK};
    struct assay_arena       arena = {.first = NULL};
    struct assay_onnx_model  m;
    struct assay_onnx_tensor t;
    if (!assay_onnx_model_read(data, bytes, "x.onnx", &arena, &m, &err)) {
        FUZZ_HOLDS(look_at_graph(m.graph, &arena) <= bytes);
        import(&m);
    } else
        FUZZ_HOLDS(err.code == ASSAY_DATA && strncmp(err.message, "x.onnx: ", 8) == 0 && !strchr(err.message, '\n'));
    if (!assay_onnx_tensor_read(data, bytes, "x.onnx", &arena, &t, &err))
        look_at_tensor(&t, &arena);
    assay_arena_clear(&arena);
    return 0;
}
