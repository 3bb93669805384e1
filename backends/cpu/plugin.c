/* The plug-in line of this back end: devices, sessions, buffers. Programs are in program.c. */
#include <stdlib.h>
#include <sys/mman.h>

#include "backends/cpu/convolution/onednn.h"
#include "backends/cpu/machine.h"
#include "backends/cpu/products/igemm.h"
#include "backends/cpu/products/sgemm.h"
#include "backends/cpu/ranks/ranks.h"
#include "backends/cpu/session.h"

#include "assay/banned.h"

struct options {
    int64_t threads, blas, conv, integer, vectors;
    bool    batch_invariant;
};

static const char *const blas_names[] = {"auto", "openblas", "own", NULL};
static const char *const conv_names[] = {"auto", "onednn", "own", NULL};
static const char *const integer_names[] = {"auto", "onednn", "own", NULL};
static const char *const vector_names[] = {"auto", "128", "256", "512", NULL};

static const struct assay_option option_table[] = {
    {.name = "threads", .type = ASSAY_OPT_I64, .offset = offsetof(struct options, threads), .dflt = "0", .max = 1024,
     .help = "threads that compute; 0 is one per core this process may run on"},
    {.name = "blas", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct options, blas), .dflt = "auto",
     .choices = blas_names, .help = "whose matrix product; auto is ours with whole vectors of 512 bits, else OpenBLAS if it is there"},
    {.name = "conv", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct options, conv), .dflt = "auto",
     .choices = conv_names, .help = "whose convolution; auto is ours, and oneDNN for what ours does slowly"},
    {.name = "integer", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct options, integer), .dflt = "auto",
     .choices = integer_names, .help = "whose product of 8-bit integers; auto is oneDNN where it was seen not to saturate, else ours, which is exact everywhere"},
    {.name = "vectors", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct options, vectors), .dflt = "auto", .unit = "bits",
     .choices = vector_names, .help = "width of the vectors of our own kernels; auto is the widest that runs here"},
    {.name = "batch_invariant", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct options, batch_invariant), .dflt = "false",
     .help = "the bits of a row's result do not depend on how many rows there are: one kernel for any number, no OpenBLAS"},
    {.name = NULL},
};

static const struct assay_host *host;

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    struct cpu_machine       machine;
    struct assay_device_info info = {
        .size = sizeof info,
        .traits = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY | ASSAY_TRAIT_IS_HOST,
        .clock = ASSAY_CLOCK_HOST,
        .origin = ASSAY_ORIGIN_REAL,
        .queues = 1,
        .name = "host",
    };
    (void)options;
    (void)err;
    cpu_machine_read(&machine);
    info.memory_bytes = machine.memory_bytes;
    memcpy(info.product, machine.product, sizeof info.product);
    memcpy(info.vendor, machine.vendor, sizeof info.vendor);
    memcpy(info.how_known, machine.how_known, sizeof info.how_known);
    host->device_add(out, &info);
    return ASSAY_OK;
}

static enum assay_code choose_kernels(struct cpu_engine *engine, int64_t vectors, struct assay_error *err)
{
    enum cpu_isa isa = vectors ? (enum cpu_isa)(vectors - 1) : cpu_isa_best();
    if (!cpu_isa_runs(isa))
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "vectors=%s: this processor has no such vectors", vector_names[vectors]);
    engine->kernels = cpu_kernels_of(isa);
    return ASSAY_OK;
}

/* OpenBLAS 0.3.21 knows processors by their model and takes one that came after it for a Prescott, at a fifth of the speed: it
 * is told by what this one can do. Where 512 bits run as two halves its AVX2 kernels are faster (92 % of peak against 86 %). */
static void tell_openblas_the_core(bool whole_512)
{
    if (cpu_isa_runs(CPU_ISA_V3))
        (void)setenv("OPENBLAS_CORETYPE", whole_512 ? "SkylakeX" : "Haswell", 0);
}

static bool has_whole_512(void)
{
    struct cpu_machine machine;
    cpu_machine_read(&machine);
    return cpu_isa_runs(CPU_ISA_V4) && !cpu_machine_halves_512(&machine);
}

/* With whole vectors of 512 bits ours is 8 to 18 % faster than OpenBLAS 0.3.21, with 256 it is 5 to 15 % slower (measured in turns on
 * one core of an Emerald Rapids). */
static bool wants_openblas(const struct assay_session *s, const struct options *options, bool whole_512)
{
    if (options->batch_invariant) /* it chooses its kernels and how it cuts K by the number of rows */
        return false;
    bool ours_is_faster = whole_512 && s->engine.kernels->isa == CPU_ISA_V4;
    return options->blas == CPU_BLAS_OPENBLAS || (options->blas == CPU_BLAS_AUTO && !ours_is_faster);
}

/* oneDNN 2.6 is 10 to 30 % faster than ours at 512 and more rows and four times as fast at 16 (in processor time, on one core of an
 * Emerald Rapids with VNNI), but without VNNI it is wrong: it must have given the right answer before it is trusted. Ours is exact on
 * every machine. Who asks for oneDNN by name has it as it is. */
void cpu_session_settle_integers(struct assay_session *s)
{
    char               reason[200] = "";
    struct assay_text  why = ASSAY_TEXT(reason);
    struct assay_error absent = {0};
    if (s->integers_settled || s->integer == CPU_INTEGER_OWN)
        return;
    s->integers_settled = true;
    if (!s->onednn && cpu_onednn_open(cpu_pool_threads(s->engine.pool), &s->onednn, &absent)) {
        host->log(ASSAY_LOG_INFO, absent.message);
        return;
    }
    bool is_exact = cpu_igemm_onednn_is_exact(s->onednn, &why);
    if (!is_exact)
        host->log(s->integer == CPU_INTEGER_ONEDNN ? ASSAY_LOG_WARN : ASSAY_LOG_INFO, reason);
    if (is_exact || s->integer == CPU_INTEGER_ONEDNN)
        s->engine.integer_products = s->onednn;
}

static enum assay_code load_onednn(struct assay_session *s, const struct options *options, struct assay_error *err)
{
    struct assay_error absent = {0};
    bool               by_name = options->conv == CPU_CONV_ONEDNN || options->integer == CPU_INTEGER_ONEDNN;
    bool               wanted = options->conv != CPU_CONV_OWN || options->integer == CPU_INTEGER_ONEDNN;
    if (wanted && cpu_onednn_open(cpu_pool_threads(s->engine.pool), &s->onednn, &absent)) {
        if (by_name) {
            *err = absent;
            return err->code;
        }
        host->log(ASSAY_LOG_INFO, absent.message);
    }
    s->engine.prefer_onednn = options->conv == CPU_CONV_ONEDNN;
    s->engine.onednn = options->conv == CPU_CONV_OWN ? NULL : s->onednn;
    s->integer = options->integer;
    return ASSAY_OK;
}

/* A library that was asked for by name must be there; one that was not is used if it is. */
static enum assay_code load_libraries(struct assay_session *s, const struct options *options, struct assay_error *err)
{
    struct assay_error absent = {0};
    bool               whole_512 = has_whole_512();
    tell_openblas_the_core(whole_512);
    if (wants_openblas(s, options, whole_512) && cpu_openblas_load(&s->engine.openblas, &absent)) {
        if (options->blas == CPU_BLAS_OPENBLAS) {
            *err = absent;
            return err->code;
        }
        host->log(ASSAY_LOG_INFO, absent.message);
    }
    return load_onednn(s, options, err);
}

static void close_session(struct assay_session *s)
{
    if (!s)
        return;
    cpu_onednn_close(s->onednn);
    cpu_pool_free(s->engine.pool);
    cpu_ranks_free(s->engine.ranks);
    free(s);
}

static enum assay_code open_session(const struct assay_open *how, struct assay_session **out, struct assay_error *err)
{
    const struct options *options = how->options;
    if (strcmp(how->device, "host") != 0)
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "no device '%s'; there is 'host'", how->device);
    if (options->batch_invariant && options->blas == CPU_BLAS_OPENBLAS)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "batch_invariant with blas=openblas: its results depend on the number of rows");
    struct assay_session *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a session");
    s->host = host;
    s->engine.batch_invariant = options->batch_invariant;
    s->engine.ranks = cpu_ranks_new(how->comm);
    if (!s->engine.ranks) {
        close_session(s);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a session");
    }
    if (choose_kernels(&s->engine, options->vectors, err) ||
        cpu_pool_new((unsigned)options->threads, &s->engine.pool, err) || load_libraries(s, options, err)) {
        close_session(s);
        return assay_error_in(err, "opening cpu:host");
    }
    *out = s;
    return ASSAY_OK;
}

static bool accepts(struct assay_session *s, const struct assay_graph *g, uint32_t index, struct assay_text *why_not)
{
    struct cpu_node      node;
    const struct cpu_op *op;
    return cpu_node_read(s->host, g, index, &node, why_not) && cpu_node_accepts(&node, &op, why_not) &&
           cpu_ranks_serve(s->engine.ranks, &node, why_not);
}

/* Mapped, so that it comes zeroed, on whole pages, and large ones on large pages where the system gives them. */
static enum assay_code alloc_buffer(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out,
                                    struct assay_error *err)
{
    if (how->place == ASSAY_PLACE_PEER)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "memory of a peer; this device has none");
    if (how->alignment > 4096)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "alignment %llu; up to 4096 is given",
                          (unsigned long long)how->alignment);
    struct assay_buffer *b = calloc(1, sizeof *b);
    if (!b)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a buffer");
    b->n_bytes = how->bytes;
    void *at = how->bytes ? mmap(NULL, how->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : NULL;
    if (at == MAP_FAILED) {
        ASSAY_FAIL_ERRNO(err, ASSAY_MEMORY, "no memory for a buffer of %llu bytes", (unsigned long long)how->bytes);
        free(b);
        return err->code;
    }
    if (how->bytes >= 4u << 20)
        (void)madvise(at, how->bytes, MADV_HUGEPAGE);
    b->bytes = at;
    s->memory.buffer_bytes += how->bytes;
    *out = b;
    return ASSAY_OK;
}

static void release_buffer(struct assay_session *s, struct assay_buffer *b)
{
    s->memory.buffer_bytes -= b ? b->n_bytes : 0;
    if (b && b->bytes)
        (void)munmap(b->bytes, b->n_bytes);
    free(b);
}

static enum assay_code check_range(const struct assay_buffer *b, uint64_t offset, uint64_t bytes, struct assay_error *err)
{
    if (offset > b->n_bytes || bytes > b->n_bytes - offset)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "%llu bytes at %llu of a buffer of %llu", (unsigned long long)bytes,
                          (unsigned long long)offset, (unsigned long long)b->n_bytes);
    return ASSAY_OK;
}

/* A copy in pieces, so that all cores' share of the memory's bandwidth is used. */
struct copying {
    unsigned char       *to;
    const unsigned char *from;
    size_t               bytes;
};

enum { COPY_PIECE = 1 << 20 };

static void copy_piece(void *self, size_t chunk, unsigned thread)
{
    const struct copying *c = self;
    size_t                at = chunk * COPY_PIECE, left = c->bytes - at;
    (void)thread;
    memcpy(c->to + at, c->from + at, left < COPY_PIECE ? left : COPY_PIECE);
}

static void copy(const struct assay_session *s, void *to, const void *from, uint64_t bytes)
{
    struct copying c = {to, from, (size_t)bytes};
    cpu_pool_run(s->engine.pool, (c.bytes + COPY_PIECE - 1) / COPY_PIECE, copy_piece, &c);
}

static enum assay_code upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from,
                              uint64_t bytes, struct assay_error *err)
{
    if (check_range(b, offset, bytes, err))
        return err->code;
    copy(s, b->bytes + offset, from, bytes);
    return ASSAY_OK;
}

static enum assay_code download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to, uint64_t bytes,
                                struct assay_error *err)
{
    if (check_range(b, offset, bytes, err))
        return err->code;
    copy(s, to, b->bytes + offset, bytes);
    return ASSAY_OK;
}

/* Everything ran within execute, so every event is done; the one that ended first is told. */
static enum assay_code poll_events(struct assay_session *s, struct assay_event *const *events, size_t n,
                                   uint64_t timeout_ns, size_t *done, struct assay_span *span, struct assay_error *err)
{
    (void)s;
    (void)timeout_ns;
    if (!n)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "no events to wait for");
    size_t first = 0;
    for (size_t i = 1; i < n; i++)
        if (events[i]->end_ns < events[first]->end_ns)
            first = i;
    *done = first;
    span->clock = ASSAY_CLOCK_HOST;
    span->begin_ns = events[first]->begin_ns;
    span->end_ns = events[first]->end_ns;
    span->device_ns = span->end_ns - span->begin_ns;
    span->why_no_device_ns[0] = 0;
    return ASSAY_OK;
}

static void forget_event(struct assay_session *s, struct assay_event *e)
{
    (void)s;
    e->used = false;
}

static const char *library(uint32_t i)
{
    const char *blas = cpu_openblas_path(), *onednn = cpu_onednn_path();
    const char *path[] = {blas ? blas : onednn, blas ? onednn : NULL};
    return i < 2 ? path[i] : NULL;
}

static void memory(struct assay_session *s, struct assay_memory *out)
{
    out->buffer_bytes = s->memory.buffer_bytes;
    out->program_bytes = s->memory.program_bytes;
}

static const struct assay_backend backend = {
    .size = sizeof backend,
    .abi_major = ASSAY_ABI_MAJOR,
    .abi_minor = ASSAY_ABI_MINOR,
    .name = "cpu",
    .summary = "this machine's own cores: OpenBLAS, oneDNN and vector kernels of ours",
    .version = ASSAY_VERSION,
    .options = option_table,
    .option_stride = sizeof option_table[0],
    .options_bytes = sizeof(struct options),
    .probe = probe,
    .open = open_session,
    .close = close_session,
    .accepts = accepts,
    .alloc = alloc_buffer,
    .release = release_buffer,
    .upload = upload,
    .download = download,
    .compile = cpu_program_compile,
    .discard = cpu_program_discard,
    .execute = cpu_program_execute,
    .poll = poll_events,
    .forget = forget_event,
    .describe = cpu_program_describe,
    .trace = cpu_program_trace,
    .library = library,
    .memory = memory,
};

ASSAY_EXPORT const struct assay_backend *assay_backend_entry(const struct assay_host *lent);
const struct assay_backend              *assay_backend_entry(const struct assay_host *lent)
{
    host = lent;
    return &backend;
}
