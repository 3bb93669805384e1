#include "reports/mlperf/system.h"

#include <inttypes.h>
#include <string.h>

#include "harness/base/json.h"

#include "assay/banned.h"

const struct assay_mlperf_system_key assay_mlperf_system_keys[] = {
    {"division", false}, {"submitter", false}, {"status", false}, {"system_name", false}, {"number_of_nodes", false},
    {"host_processor_model_name", false}, {"host_processors_per_node", false}, {"host_processor_core_count", false},
    {"host_memory_capacity", false}, {"host_storage_capacity", false}, {"host_storage_type", false}, {"accelerators_per_node", false},
    {"accelerator_model_name", false}, {"accelerator_memory_capacity", false}, {"framework", false}, {"operating_system", false},
    {"system_type", false}, {"other_software_stack", false}, {"host_processor_frequency", true}, {"host_processor_caches", true},
    {"host_memory_configuration", false}, {"host_processor_interconnect", true}, {"host_networking", false},
    {"host_networking_topology", false}, {"accelerator_frequency", true}, {"accelerator_host_interconnect", false},
    {"accelerator_interconnect", false}, {"accelerator_interconnect_topology", true}, {"accelerator_memory_configuration", false},
    {"accelerator_on-chip_memories", true}, {"cooling", false}, {"hw_notes", true}, {"sw_notes", true}, {"host_network_card_count", false},
    {"system_type_detail", true}, {NULL, false},
};

static const json_t *at(const json_t *object, const char *a, const char *b)
{
    const json_t *inner = json_object_get(object, a);
    return b ? json_object_get(inner, b) : inner;
}

static void put(json_t *system, const char *key, const char *value)
{
    (void)json_object_set_new(system, key, assay_json_string(value));
}

/* Whole GB of 10^9 bytes, as submissions have them; nothing for an unknown size. */
static void put_bytes(json_t *system, const char *key, uint64_t bytes)
{
    char text[40];
    if (!bytes)
        return;
    (void)snprintf(text, sizeof text, "%.0f GB", (double)bytes / 1e9);
    put(system, key, text);
}

static void of_host(json_t *system, const json_t *host)
{
    char        text[40];
    const char *cpu = json_string_value(at(host, "cpu", "product")), *kernel = json_string_value(at(host, "kernel", NULL));
    json_int_t  cores = json_integer_value(at(host, "cpu", "cores"));
    if (cpu && *cpu)
        put(system, "host_processor_model_name", cpu);
    if (kernel && *kernel)
        put(system, "operating_system", kernel);
    if (cores > 0) {
        (void)snprintf(text, sizeof text, "%lld", (long long)cores);
        put(system, "host_processor_core_count", text);
    }
    put_bytes(system, "host_memory_capacity", (uint64_t)json_integer_value(at(host, "memory_bytes", NULL)));
}

/* A host that computes has no accelerator. */
static void of_device(json_t *system, const struct assay_device_info *d)
{
    static const char *const interconnects[] = {"accelerator_model_name", "accelerator_memory_capacity", "accelerator_host_interconnect",
                                                "accelerator_interconnect", "accelerator_memory_configuration"};
    const bool is_host = (d->traits & ASSAY_TRAIT_IS_HOST) != 0;
    put(system, "accelerators_per_node", is_host ? "0" : "1");
    for (size_t i = 0; is_host && i < sizeof interconnects / sizeof *interconnects; i++)
        put(system, interconnects[i], "N/A: the host computes");
    if (is_host)
        return;
    put(system, "accelerator_model_name", *d->product ? d->product : d->name);
    put_bytes(system, "accelerator_memory_capacity", d->memory_bytes);
}

static void of_software(json_t *system, const json_t *manifest, const struct assay_record *record)
{
    char        text[300];
    const char *libc = json_string_value(at(at(manifest, "host", NULL), "libc", NULL)), *compiler = json_string_value(at(manifest, "compiler", NULL));
    (void)snprintf(text, sizeof text, "assay " ASSAY_VERSION ", back end %.*s", (int)strcspn(record->backend, ":,"), record->backend);
    put(system, "framework", text);
    if (libc && compiler) {
        (void)snprintf(text, sizeof text, "%.100s, built by %.100s", libc, compiler);
        put(system, "other_software_stack", text);
    }
    put(system, "sw_notes", "logs written by assay, not by LoadGen; unverified");
}

/* Every key that nothing was found for is empty, or to be given and noted. */
static void fill(json_t *system, const char *file, struct assay_mlperf_notes *notes)
{
    char text[100];
    for (const struct assay_mlperf_system_key *k = assay_mlperf_system_keys; k->name; k++) {
        if (json_object_get(system, k->name))
            continue;
        (void)snprintf(text, sizeof text, ASSAY_MLPERF_TO_BE_GIVEN ": %s", k->name);
        put(system, k->name, k->may_be_empty ? "" : text);
        if (!k->may_be_empty)
            assay_mlperf_note(notes, ASSAY_MLPERF_PLACEHOLDER, "%s: %s", file, k->name);
    }
}

json_t *assay_mlperf_system(const struct assay_mlperf_how *how, const char *name, const json_t *manifest, const struct assay_record *record,
                            const char *file, struct assay_mlperf_notes *notes)
{
    json_t *system = json_object();
    if (!system)
        return NULL;
    put(system, "division", how->division == ASSAY_MLPERF_CLOSED ? "closed" : "open");
    put(system, "submitter", how->submitter);
    if (*how->status)
        put(system, "status", how->status);
    put(system, "system_name", name);
    put(system, "number_of_nodes", "1");
    put(system, "system_type", how->system_type);
    of_host(system, at(manifest, "host", NULL));
    of_device(system, &record->device);
    of_software(system, manifest, record);
    fill(system, file, notes);
    return system;
}

/* The value of a parameter in a case's name, in MLPerf's words for formats; "fp32" where there is none. */
static void format_of(const char *name, const char *parameter, char out[24])
{
    static const char *const words[][2] = {{"f32", "fp32"}, {"f16", "fp16"}, {"bf16", "bf16"}, {"i8", "int8"}};
    const char              *value = strstr(name, parameter);
    (void)snprintf(out, 24, "fp32");
    if (!value)
        return;
    value += strlen(parameter);
    size_t length = strcspn(value, ",@");
    (void)snprintf(out, 24, "%.*s", (int)(length < 23 ? length : 23), value);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(out, words[i][0])) {
            (void)snprintf(out, 24, "%s", words[i][1]);
            return;
        }
}

json_t *assay_mlperf_measurements(const struct assay_record *record, const json_t *weights, uint64_t seed)
{
    char        stored[24], file[600];
    const char *path = json_string_value(json_object_get(weights, "path"));
    format_of(record->case_name, "weights=", stored);
    if (path)
        (void)snprintf(file, sizeof file, "%.500s", strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
    else
        (void)snprintf(file, sizeof file, "generated by assay from seed %" PRIu64, seed);
    return json_pack("{s:s, s:s, s:o, s:s, s:s}", "input_data_types", strncmp(record->case_name, "resnet50.", 9) ? "int64" : "fp32", "retraining",
                     "no", "starting_weights_filename", assay_json_string(file), "weight_data_types", stored, "weight_transformations",
                     strcmp(stored, "fp32") ? "rounded to that format" : "none");
}
