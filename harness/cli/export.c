#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/export_run.h"
#include "harness/ir/graph.h"
#include "harness/ir/onnx/write.h"
#include "harness/plan/plan.h"
#include "suites/data/fill.h"
#include "suites/weights/tensor_file.h"

#include "assay/banned.h"

enum export_format { AS_SAFETENSORS, AS_NPY, AS_ONNX, OF_A_RUN };

struct export_options {
    int64_t format; /* enum export_format */
    char    out[512];
    int64_t seed, sets, round, division, status, system_type;
    bool    external;
    char    submitter[112], system[112];
};

static const char *const formats[] = {"safetensors", "npy", "onnx", "mlperf", "junit", "openmetrics", "jsonl", NULL};
static const char *const rounds[] = {"v5.1", "v6.1", NULL}, *const divisions[] = {"open", "closed", NULL},
                  *const statuses[] = {"", "available", "preview", "rdi", NULL},
                  *const system_types[] = {"edge", "datacenter", "datacenter,edge", NULL};

#define AT(member) offsetof(struct export_options, member)

static const struct assay_option options[] = {
    {.name = "format", .type = ASSAY_OPT_ENUM, .offset = AT(format), .dflt = "safetensors", .choices = formats,
     .help = "of a case: safetensors: the weights, one file; npy: the inputs, a folder with a file each; onnx: the graph, one file. Of a run folder: "
             "mlperf: logs and layout of a submission; junit: verdicts as tests; openmetrics, jsonl: figures"},
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = AT(out), .bytes = 512, .dflt = "", .help = "the file or the folder to write"},
    {.name = "seed", .type = ASSAY_OPT_I64, .offset = AT(seed), .dflt = "1", .min = 0, .max = 9007199254740992.0,
     .help = "that the values are made from"},
    {.name = "sets", .type = ASSAY_OPT_I64, .offset = AT(sets), .dflt = "8", .min = 1, .max = 1024,
     .help = "of inputs: the length of the axis before the others"},
    {.name = "external", .type = ASSAY_OPT_BOOL, .offset = AT(external), .dflt = "false",
     .help = "of onnx: consts in FILE.data beside it, as they are anyway when they take over 1 GiB"},
    {.name = "round", .type = ASSAY_OPT_ENUM, .offset = AT(round), .dflt = "v6.1", .choices = rounds, .help = "of mlperf: whose layout and rules"},
    {.name = "division", .type = ASSAY_OPT_ENUM, .offset = AT(division), .dflt = "open", .choices = divisions, .help = "of mlperf"},
    {.name = "submitter", .type = ASSAY_OPT_TEXT, .offset = AT(submitter), .bytes = 112, .dflt = "SUBMITTER", .help = "of mlperf: names a folder"},
    {.name = "system", .type = ASSAY_OPT_TEXT, .offset = AT(system), .bytes = 112, .dflt = "", .help = "of mlperf: names a folder; by default the device's name"},
    {.name = "status", .type = ASSAY_OPT_ENUM, .offset = AT(status), .dflt = "", .choices = statuses, .help = "of mlperf: whether the system can be bought"},
    {.name = "system-type", .type = ASSAY_OPT_ENUM, .offset = AT(system_type), .dflt = "datacenter", .choices = system_types, .help = "of mlperf"},
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
        return assay_cli_usage("export needs one case or run folder, and where to write: assay export bert.infer --format safetensors -o FILE");
    if (o->format >= OF_A_RUN)
        return assay_cli_export_run(&(struct assay_export_run){operands[0], o->out, formats[o->format], o->round, o->division, o->submitter, o->system,
                                                               statuses[o->status], system_types[o->system_type]});
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
    .operands = "CASE|DIR",
    .summary = "writes a case's seeded weights, inputs or graph for other programs; or a run as MLPerf's logs, tests or metrics",
    .details = "What is written is what assay run CASE with the same seed begins with; run --weights and --inputs take it back.\n"
               "An ONNX file is of opset 24; what ONNX has no op for is of domain ai.assay. Weights are inputs of it.\n"
               "mlperf: cases that have a benchmark's shape and a scenario of MLPerf's, measured on a real clock, as the folder that its submission\n"
               "checker takes. The logs say that assay wrote them and that nobody verified them. What only the submitter knows, and what would be\n"
               "refused, is listed on standard error.",
    .options = options,
    .options_bytes = sizeof(struct export_options),
    .run = run,
};
