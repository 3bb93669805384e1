#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/ir/graph.h"
#include "harness/ir/onnx/write.h"
#include "harness/plan/plan.h"
#include "suites/data/fill.h"
#include "suites/weights/tensor_file.h"

#include "assay/banned.h"

enum export_format { AS_SAFETENSORS, AS_NPY, AS_ONNX };

struct export_options {
    int64_t format; /* enum export_format */
    char    out[512];
    int64_t seed, sets;
    bool    external;
};

static const char *const formats[] = {"safetensors", "npy", "onnx", NULL};

#define AT(member) offsetof(struct export_options, member)

static const struct assay_option options[] = {
    {.name = "format", .type = ASSAY_OPT_ENUM, .offset = AT(format), .dflt = "safetensors", .choices = formats,
     .help = "safetensors: the weights, one file; npy: the inputs, a folder with a file each; onnx: the graph, one file"},
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = AT(out), .bytes = 512, .dflt = "", .help = "the file or the folder to write"},
    {.name = "seed", .type = ASSAY_OPT_I64, .offset = AT(seed), .dflt = "1", .min = 0, .max = 9007199254740992.0,
     .help = "that the values are made from"},
    {.name = "sets", .type = ASSAY_OPT_I64, .offset = AT(sets), .dflt = "8", .min = 1, .max = 1024,
     .help = "of inputs: the length of the axis before the others"},
    {.name = "external", .type = ASSAY_OPT_BOOL, .offset = AT(external), .dflt = "false",
     .help = "of onnx: consts in FILE.data beside it, as they are anyway when they take over 1 GiB"},
    {0},
};

struct exporting {
    const struct assay_graph    *g;
    const struct export_options *o;
    int32_t                     *value; /* safetensors: the param of each tensor */
    int32_t                      input; /* npy: the input that is written */
};

static struct assay_tensor tensor_of(const struct assay_value *v)
{
    struct assay_tensor t = {.dtype = v->dtype, .rank = v->rank};
    (void)assay_string_copy(t.name, sizeof t.name, v->name);
    memcpy(t.dims, v->dims, sizeof v->dims);
    return t;
}

/* ---- weights ---------------------------------------------------------------------------------------------------- */

static enum assay_code fill_param(void *self, size_t tensor, void *to, struct assay_error *err)
{
    const struct exporting *x = self;
    return assay_fill_value(x->g, x->value[tensor], (uint64_t)x->o->seed, 0, to, err);
}

static enum assay_code write_weights(struct exporting *x, struct assay_error *err)
{
    struct assay_tensor *tensors = calloc(x->g->n_values + 1, sizeof *tensors);
    size_t               n = 0;
    enum assay_code      code = ASSAY_OK;
    x->value = calloc(x->g->n_values + 1, sizeof *x->value);
    if (!tensors || !x->value)
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a list of tensors");
    for (uint32_t i = 0; !code && i < x->g->n_values; i++)
        if (x->g->values[i].role == ASSAY_ROLE_PARAM) {
            x->value[n] = (int32_t)i;
            tensors[n++] = tensor_of(&x->g->values[i]);
        }
    if (!code && !n)
        code = ASSAY_FAIL(err, ASSAY_CONFIG, "the case has no weights");
    if (!code)
        code = assay_safetensors_write(x->o->out, tensors, n, fill_param, x, err);
    free(tensors);
    free(x->value);
    return code;
}

/* ---- inputs ----------------------------------------------------------------------------------------------------- */

static enum assay_code fill_input(void *self, void *to, struct assay_error *err)
{
    const struct exporting *x = self;
    const uint64_t          bytes = x->g->values[x->input].bytes;
    for (int64_t set = 0; set < x->o->sets; set++)
        if (assay_fill_value(x->g, x->input, (uint64_t)x->o->seed, (uint64_t)set, (unsigned char *)to + (uint64_t)set * bytes,
                             err))
            return err->code;
    return ASSAY_OK;
}

static enum assay_code write_input(struct exporting *x, const struct assay_value *v, struct assay_error *err)
{
    char                path[4096], name[ASSAY_VALUE_NAME_BYTES + 8];
    struct assay_text   text = ASSAY_TEXT(name);
    struct assay_tensor t = tensor_of(v);
    if (v->rank == ASSAY_MAX_RANK)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "input '%.100s' has no room for an axis more", v->name);
    memmove(t.dims + 1, t.dims, (size_t)v->rank * sizeof *t.dims);
    t.dims[0] = x->o->sets;
    t.rank++;
    assay_text_add(&text, "%s.npy", v->name);
    return assay_path_join(path, sizeof path, x->o->out, name, err) ? err->code : assay_npy_write(path, &t, fill_input, x, err);
}

static enum assay_code write_inputs(struct exporting *x, struct assay_error *err)
{
    if (assay_folder_make(x->o->out, err))
        return err->code;
    for (uint32_t i = 0; i < x->g->n_values; i++) {
        const struct assay_value *v = &x->g->values[i];
        x->input = (int32_t)i;
        if ((v->role == ASSAY_ROLE_INPUT || v->role == ASSAY_ROLE_CONTROL) && write_input(x, v, err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct export_options *o = given_options;
    struct assay_error           err = {.code = ASSAY_OK};
    struct assay_case            c;
    struct assay_graph          *g = NULL;
    (void)given;
    if (n != 1 || !*o->out)
        return assay_cli_usage("export needs one case and where to write: assay export bert.infer --format safetensors -o FILE");
    if (assay_case_parse(operands[0], &c, &err))
        return assay_cli_fail(&err);
    if (!assay_case_graph(&c, &g, &err)) {
        struct exporting x = {.g = g, .o = o};
        (void)(o->format == AS_ONNX ? assay_onnx_write(g, o->out, o->external, &err)
               : o->format == AS_NPY ? write_inputs(&x, &err)
                                     : write_weights(&x, &err));
    }
    assay_graph_free(g);
    assay_case_release(&c);
    if (err.code)
        return assay_cli_fail(&err);
    puts(o->out);
    return ASSAY_EXIT_YES;
}

const struct assay_verb assay_verb_export = {
    .name = "export",
    .operands = "CASE",
    .summary = "writes the seeded weights of a case as safetensors, its inputs as .npy, or its graph as ONNX",
    .details = "What is written is what assay run CASE with the same seed begins with; run --weights and --inputs take it back.\n"
               "An ONNX file is of opset 24; what ONNX has no op for is of domain ai.assay. Weights are inputs of it.",
    .options = options,
    .options_bytes = sizeof(struct export_options),
    .run = run,
};
