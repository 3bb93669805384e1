#include "harness/measure/counters_pfm.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#if defined(ASSAY_WITH_PFM) && ASSAY_WITH_PFM
#include <perfmon/pfmlib_perf_event.h>

#include "assay/banned.h"

static int            ready;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
    ready = pfm_initialize();
}

bool assay_pfm_encode(const char *name, struct assay_perf_code *out, char *why, size_t capacity)
{
    struct perf_event_attr attr;
    pfm_perf_encode_arg_t  arg;
    memset(&attr, 0, sizeof attr);
    memset(&arg, 0, sizeof arg);
    attr.size = sizeof attr;
    arg.attr = &attr;
    arg.size = sizeof arg;
    (void)pthread_once(&once, start);
    int code = ready == PFM_SUCCESS ? pfm_get_os_event_encoding(name, PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &arg) : ready;
    if (code != PFM_SUCCESS) {
        (void)snprintf(why, capacity, "libpfm4: %s: %s", name, pfm_strerror(code));
        return false;
    }
    out->type = attr.type;
    out->config = attr.config;
    out->config1 = attr.config1;
    out->config2 = attr.config2;
    return true;
}

#else

#include "assay/banned.h"

bool assay_pfm_encode(const char *name, struct assay_perf_code *out, char *why, size_t capacity)
{
    (void)out;
    (void)snprintf(why, capacity, "libpfm4: %s: not built in", name);
    return false;
}

#endif
