#include "harness/run/ranks/mpi_link.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

#define PIECE_BYTES ((size_t)64 << 10) /* of a stream at a time */
#define PIECES 4u                      /* on their way to one rank */
#define NAP_NS 50000u                  /* MPI has nothing to sleep on */
#define MOST_VERSION 256               /* MPI_MAX_LIBRARY_VERSION_STRING of Open MPI */

/* ---- Open MPI's ABI -------------------------------------------------------------------------------------------- */

typedef void *mpi_handle; /* communicators, types, requests, handlers: pointers to structs of its own */
struct mpi_status {
    int    source, tag, error, cancelled;
    size_t bytes;
};
enum { MPI_IS_FUNNELED = 1 }; /* MPI_THREAD_FUNNELED */

struct mpi {
    void      *library;
    mpi_handle world, byte, errors_return, none; /* objects of the library; none: MPI_REQUEST_NULL */
    int (*get_library_version)(char *version, int *length);
    int (*init_thread)(int *argc, char ***argv, int wanted, int *got);
    int (*finalize)(void);
    int (*set_errhandler)(mpi_handle comm, mpi_handle handler);
    int (*comm_rank)(mpi_handle comm, int *rank);
    int (*comm_size)(mpi_handle comm, int *size);
    int (*isend)(const void *data, int n, mpi_handle type, int to, int tag, mpi_handle comm, mpi_handle *request);
    int (*irecv)(void *data, int n, mpi_handle type, int from, int tag, mpi_handle comm, mpi_handle *request);
    int (*test)(mpi_handle *request, int *done, struct mpi_status *status);
    int (*cancel)(mpi_handle *request);
    int (*request_free)(mpi_handle *request);
};

static enum assay_code load(struct mpi *m, struct assay_error *err)
{
    static const char *const names[] = {"libmpi.so.40", "libmpi.so"};
    const struct {
        const char *name;
        void       *to;
    } symbols[] = {
        {"ompi_mpi_comm_world", &m->world},           {"ompi_mpi_byte", &m->byte},
        {"ompi_mpi_errors_return", &m->errors_return}, {"ompi_request_null", &m->none},
        {"MPI_Get_library_version", &m->get_library_version}, {"MPI_Init_thread", &m->init_thread},
        {"MPI_Finalize", &m->finalize},               {"MPI_Comm_set_errhandler", &m->set_errhandler},
        {"MPI_Comm_rank", &m->comm_rank},             {"MPI_Comm_size", &m->comm_size},
        {"MPI_Isend", &m->isend},                     {"MPI_Irecv", &m->irecv},
        {"MPI_Test", &m->test},                       {"MPI_Cancel", &m->cancel},
        {"MPI_Request_free", &m->request_free},
    };
    for (size_t i = 0; !m->library && i < sizeof names / sizeof *names; i++)
        m->library = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL); /* its own plug-ins look for its symbols */
    if (!m->library) {
        (void)ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "no Open MPI: %.160s", dlerror());
        return assay_error_hint(err, "packages openmpi-bin and libopenmpi3; or --launcher fork, or srun, which need none");
    }
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *at = dlsym(m->library, symbols[i].name);
        if (!at) {
            (void)ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "libmpi is there and is not Open MPI: it has no %s", symbols[i].name);
            return assay_error_hint(err, "packages openmpi-bin and libopenmpi3");
        }
        memcpy(symbols[i].to, &at, sizeof at);
    }
    return ASSAY_OK;
}

enum assay_code assay_mpi_look(char version[128], struct assay_error *err)
{
    struct mpi m = {.library = NULL};
    char       text[MOST_VERSION + 1] = "";
    int        length = 0;
    if (!load(&m, err)) {
        (void)m.get_library_version(text, &length);
        (void)assay_string_copy(version, 128, text);
        version[strcspn(version, ",\n")] = 0;
    }
    if (m.library)
        (void)dlclose(m.library);
    return err->code;
}

/* ---- streams --------------------------------------------------------------------------------------------------- */

enum { LAST_WORDS = ASSAY_LINK_STREAMS }; /* a tag beside those of the streams */

struct last_word {
    uint32_t rank, unused;
    char     why[ASSAY_LINK_WHY];
};
/* To one rank: pieces that MPI may still read. */
struct outgoing {
    unsigned char *piece[PIECES];
    mpi_handle     request[PIECES];
};
/* From one rank: the piece that is being received, or was and has not been pulled to its end. */
struct incoming {
    unsigned char *piece;
    mpi_handle     request;
    size_t         there, taken;
    bool           is_under_way;
};
struct peer {
    struct outgoing  out[ASSAY_LINK_STREAMS];
    struct incoming  in[ASSAY_LINK_STREAMS];
    struct last_word mine, theirs;
    mpi_handle       said, heard;
};
struct messages {
    struct mpi       mpi;
    uint32_t         rank, n;
    bool             is_lost;
    struct last_word word;
    struct peer      peer[ASSAY_RANKS_MOST];
};

static void note_lost(struct messages *m, uint32_t rank, const char *why)
{
    if (m->is_lost)
        return;
    m->is_lost = true;
    m->word = (struct last_word){.rank = rank};
    (void)assay_string_copy(m->word.why, sizeof m->word.why, why);
}

/* Of a request; one that failed is a loss of the rank at its other side. */
static bool is_done(struct messages *m, uint32_t with, mpi_handle *request, struct mpi_status *status)
{
    int done = 0;
    if (m->mpi.test(request, &done, status)) {
        note_lost(m, with, "MPI cannot reach it");
        return false;
    }
    return done;
}

static size_t push(void *self, uint32_t to, enum assay_link_stream stream, const void *data, size_t bytes)
{
    struct messages  *m = self;
    struct outgoing  *o = &m->peer[to].out[stream];
    struct mpi_status status;
    size_t            pushed = 0;
    for (uint32_t i = 0; i < PIECES && pushed < bytes && !m->is_lost; i++) {
        if (!o->piece[i] && !(o->piece[i] = malloc(PIECE_BYTES)))
            return pushed;
        if (o->request[i] != m->mpi.none && !is_done(m, to, &o->request[i], &status))
            continue;
        size_t n = bytes - pushed < PIECE_BYTES ? bytes - pushed : PIECE_BYTES;
        memcpy(o->piece[i], (const unsigned char *)data + pushed, n);
        if (m->mpi.isend(o->piece[i], (int)n, m->mpi.byte, (int)to, (int)stream, m->mpi.world, &o->request[i]))
            note_lost(m, to, "MPI cannot send to it");
        else
            pushed += n;
    }
    return pushed;
}

static bool receive_next(struct messages *m, uint32_t from, enum assay_link_stream stream)
{
    struct incoming *in = &m->peer[from].in[stream];
    if (!in->piece && !(in->piece = malloc(PIECE_BYTES)))
        return false;
    in->there = in->taken = 0;
    in->is_under_way = !m->mpi.irecv(in->piece, (int)PIECE_BYTES, m->mpi.byte, (int)from, (int)stream, m->mpi.world, &in->request);
    return in->is_under_way;
}

static size_t pull(void *self, uint32_t from, enum assay_link_stream stream, void *data, size_t bytes)
{
    struct messages  *m = self;
    struct incoming  *in = &m->peer[from].in[stream];
    struct mpi_status status = {.bytes = 0};
    size_t            pulled = 0;
    while (pulled < bytes) {
        if (!in->is_under_way && in->taken == in->there && !receive_next(m, from, stream))
            break;
        if (in->is_under_way) {
            if (!is_done(m, from, &in->request, &status))
                break;
            in->is_under_way = false;
            in->there = status.bytes < PIECE_BYTES ? status.bytes : PIECE_BYTES;
        }
        size_t n = in->there - in->taken < bytes - pulled ? in->there - in->taken : bytes - pulled;
        memcpy((unsigned char *)data + pulled, in->piece + in->taken, n);
        in->taken += n;
        pulled += n;
    }
    return pulled;
}

static void rest(void *self, uint64_t timeout_ns)
{
    struct timespec nap = {0, timeout_ns < NAP_NS ? (long)timeout_ns : (long)NAP_NS};
    (void)self;
    (void)nanosleep(&nap, NULL);
}

static bool lost(void *self, uint32_t *rank, char why[ASSAY_LINK_WHY])
{
    struct messages  *m = self;
    struct mpi_status status;
    for (uint32_t r = 0; r < m->n && !m->is_lost; r++)
        if (r != m->rank && m->peer[r].heard != m->mpi.none && is_done(m, r, &m->peer[r].heard, &status)) {
            struct last_word *w = &m->peer[r].theirs;
            w->why[ASSAY_LINK_WHY - 1] = 0;
            note_lost(m, w->rank < m->n ? w->rank : r, w->why);
        }
    if (!m->is_lost)
        return false;
    *rank = m->word.rank;
    memcpy(why, m->word.why, ASSAY_LINK_WHY);
    return true;
}

static void lose(void *self, uint32_t rank, const char *why)
{
    struct messages *m = self;
    note_lost(m, rank, why);
    for (uint32_t r = 0; r < m->n; r++) {
        struct peer *p = &m->peer[r];
        if (r == m->rank || p->said != m->mpi.none)
            continue;
        p->mine = m->word;
        (void)m->mpi.isend(&p->mine, (int)sizeof p->mine, m->mpi.byte, (int)r, LAST_WORDS, m->mpi.world, &p->said);
    }
}

/* ---- beginning and end ----------------------------------------------------------------------------------------- */

static void drop(const struct messages *m, mpi_handle *request)
{
    if (*request == m->mpi.none)
        return;
    (void)m->mpi.cancel(request);
    (void)m->mpi.request_free(request);
}

/* Pieces that were sent are given the time to arrive; after a loss nobody waits for anybody, MPI's own end included. */
static void close_all(void *self)
{
    struct messages  *m = self;
    struct mpi_status status;
    for (uint32_t r = 0; r < m->n && !m->is_lost; r++)
        for (int s = 0; s < ASSAY_LINK_STREAMS; s++)
            for (uint32_t i = 0; i < PIECES; i++)
                while (!m->is_lost && m->peer[r].out[s].request[i] != m->mpi.none && !is_done(m, r, &m->peer[r].out[s].request[i], &status))
                    rest(m, NAP_NS);
    if (m->is_lost)
        return; /* MPI may still write into what it was given: it stays */
    for (uint32_t r = 0; r < m->n; r++) {
        for (int s = 0; s < ASSAY_LINK_STREAMS; s++)
            if (m->peer[r].in[s].is_under_way)
                drop(m, &m->peer[r].in[s].request);
        drop(m, &m->peer[r].heard);
    }
    (void)m->mpi.finalize();
    for (uint32_t r = 0; r < m->n; r++)
        for (int s = 0; s < ASSAY_LINK_STREAMS; s++) {
            for (uint32_t i = 0; i < PIECES; i++)
                free(m->peer[r].out[s].piece[i]);
            free(m->peer[r].in[s].piece);
        }
    free(m);
}

static enum assay_code begin(struct messages *m, struct assay_error *err)
{
    int got = 0, rank = -1, size = -1;
    if (load(&m->mpi, err))
        return err->code;
    if (m->mpi.init_thread(NULL, NULL, MPI_IS_FUNNELED, &got) || m->mpi.set_errhandler(m->mpi.world, m->mpi.errors_return) ||
        m->mpi.comm_rank(m->mpi.world, &rank) || m->mpi.comm_size(m->mpi.world, &size))
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "Open MPI does not begin in this process");
    if (rank != (int)m->rank || size != (int)m->n)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "MPI says that this is rank %d of %d, not %u of %u", rank, size, m->rank, m->n);
    return ASSAY_OK;
}

enum assay_code assay_mpi_link(uint32_t rank, uint32_t n, struct assay_link *out, struct assay_error *err)
{
    struct messages *m = calloc(1, sizeof *m);
    if (!m)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for messages of MPI");
    m->rank = rank;
    m->n = n;
    if (begin(m, err)) {
        free(m);
        return err->code;
    }
    for (uint32_t r = 0; r < n; r++) {
        struct peer *p = &m->peer[r];
        p->said = p->heard = m->mpi.none;
        for (int s = 0; s < ASSAY_LINK_STREAMS; s++)
            for (uint32_t i = 0; i < PIECES; i++)
                p->out[s].request[i] = m->mpi.none;
        if (r != rank && m->mpi.irecv(&p->theirs, (int)sizeof p->theirs, m->mpi.byte, (int)r, LAST_WORDS, m->mpi.world, &p->heard))
            note_lost(m, r, "MPI cannot reach it");
    }
    *out = (struct assay_link){.rank = rank, .n_ranks = n, .kind = "mpi", .self = m, .push = push, .pull = pull, .rest = rest,
                               .lost = lost, .lose = lose, .close = close_all};
    return ASSAY_OK;
}
