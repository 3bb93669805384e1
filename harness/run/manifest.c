#include "harness/run/manifest.h"

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/measure/host.h"

#include "assay/banned.h"

#define FORMAT "assay-manifest/1"
#if defined(__clang__)
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

json_t *assay_manifest_to_json(const struct assay_manifest *what)
{
    char    now[21];
    json_t *arguments = json_array(), *backends = json_array();
    for (size_t i = 0; i < what->n_arguments; i++)
        json_array_append_new(arguments, assay_json_string(what->arguments[i]));
    for (size_t i = 0; i < what->n_backends; i++) {
        json_t *copy = json_copy(what->probe[i]);
        json_object_del(copy, "say");
        json_object_set_new(copy, "given", assay_json_string(what->backends[i]));
        json_array_append_new(backends, copy);
    }
    assay_clock_utc_text(assay_clock_utc_ns(), now);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "format", FORMAT, "assay", ASSAY_VERSION, "compiler", COMPILER,
                     "created", now, "suite", assay_json_string(what->suite), "seed", assay_json_u64(what->seed), "arguments", arguments,
                     "backends", backends, "host", assay_host_describe());
}
