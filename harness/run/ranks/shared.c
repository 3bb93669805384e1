#include "harness/run/ranks/shared.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "assay/banned.h"

#define MAGIC 0x4b4e415259415341ull
#define LINE 64 /* of a cache: what one rank writes lies on none that another writes */
#define FEW_RANKS 8u
#define RING_BYTES_FEW ((uint64_t)256 << 10)
#define RING_BYTES_MANY ((uint64_t)32 << 10)

/* One rank's own. `bell` counts what may concern it and is what it sleeps on. */
struct seat {
    _Alignas(LINE) atomic_uint bell;
    atomic_uint sleeps, came, left, waits_for;
};
/* A stream from one rank to another. Both count bytes, and never go back. */
struct ring {
    _Alignas(LINE) atomic_uint_least64_t head; /* written by the sender */
    _Alignas(LINE) atomic_uint_least64_t tail; /* by the receiver */
};
struct segment {
    uint64_t    magic;
    uint32_t    n_ranks;
    uint64_t    ring_bytes, bytes;
    struct seat seat[ASSAY_RANKS_MOST];
    struct ring ring[]; /* [from][to][stream]; then their bytes, in that order, page by page */
};

struct shared {
    struct segment *at;
    size_t          bytes;
    uint32_t        rank, heard; /* of its bell, when it last rested */
    int             fd;
};

/* ---- where things lie ------------------------------------------------------------------------------------------ */

static size_t rings_of(uint32_t n)
{
    return (size_t)n * n * ASSAY_LINK_STREAMS;
}

static size_t data_at(uint32_t n)
{
    size_t end = sizeof(struct segment) + rings_of(n) * sizeof(struct ring);
    return (end + 4095) / 4096 * 4096;
}

static uint64_t ring_bytes_of(uint32_t n)
{
    return n <= FEW_RANKS ? RING_BYTES_FEW : RING_BYTES_MANY;
}

static size_t segment_bytes(uint32_t n)
{
    return data_at(n) + rings_of(n) * ring_bytes_of(n);
}

static size_t ring_index(const struct shared *s, uint32_t from, uint32_t to, enum assay_link_stream stream)
{
    return ((size_t)from * s->at->n_ranks + to) * ASSAY_LINK_STREAMS + stream;
}

static unsigned char *ring_data(const struct shared *s, size_t index)
{
    return (unsigned char *)s->at + data_at(s->at->n_ranks) + index * s->at->ring_bytes;
}

/* ---- bells ----------------------------------------------------------------------------------------------------- */

static void ring_bell(struct seat *seat)
{
    atomic_fetch_add(&seat->bell, 1);
    if (atomic_load(&seat->sleeps))
        (void)syscall(SYS_futex, &seat->bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void rest(void *self, uint64_t timeout_ns)
{
    struct shared  *s = self;
    struct seat    *seat = &s->at->seat[s->rank];
    struct timespec left = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
    atomic_store(&seat->sleeps, 1);
    (void)syscall(SYS_futex, &seat->bell, FUTEX_WAIT, s->heard, &left, NULL, 0); /* not if it has rung since */
    atomic_store(&seat->sleeps, 0);
    s->heard = atomic_load(&seat->bell);
}

/* ---- streams --------------------------------------------------------------------------------------------------- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t push(void *self, uint32_t to, enum assay_link_stream stream, const void *data, size_t bytes)
{
    struct shared *s = self;
    size_t         index = ring_index(s, s->rank, to, stream), room = s->at->ring_bytes;
    struct ring   *r = &s->at->ring[index];
    uint64_t       head = atomic_load_explicit(&r->head, memory_order_relaxed), tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    if (head - tail > room) /* somebody wrote what is not theirs */
        return 0;
    size_t n = least(bytes, room - (size_t)(head - tail)), place = (size_t)(head % room), first = least(n, room - place);
    if (n == 0)
        return 0;
    memcpy(ring_data(s, index) + place, data, first);
    memcpy(ring_data(s, index), (const unsigned char *)data + first, n - first);
    atomic_store_explicit(&r->head, head + n, memory_order_release);
    ring_bell(&s->at->seat[to]);
    return n;
}

static size_t pull(void *self, uint32_t from, enum assay_link_stream stream, void *data, size_t bytes)
{
    struct shared *s = self;
    size_t         index = ring_index(s, from, s->rank, stream), room = s->at->ring_bytes;
    struct ring   *r = &s->at->ring[index];
    uint64_t       tail = atomic_load_explicit(&r->tail, memory_order_relaxed), head = atomic_load_explicit(&r->head, memory_order_acquire);
    if (head == tail || head - tail > room)
        return 0;
    size_t n = least(bytes, (size_t)(head - tail)), place = (size_t)(tail % room), first = least(n, room - place);
    memcpy(data, ring_data(s, index) + place, first);
    memcpy((unsigned char *)data + first, ring_data(s, index), n - first);
    atomic_store_explicit(&r->tail, tail + n, memory_order_release);
    ring_bell(&s->at->seat[from]);
    return n;
}

/* ---- who is there ---------------------------------------------------------------------------------------------- */

static struct flock seat_lock(uint32_t rank)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)rank, .l_len = 1};
}

static enum assay_rank_state look(void *self, uint32_t rank)
{
    struct shared *s = self;
    struct seat   *seat = &s->at->seat[rank];
    struct flock   lock = seat_lock(rank);
    if (atomic_load(&seat->left))
        return ASSAY_RANK_LEFT;
    if (!atomic_load(&seat->came) || fcntl(s->fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK)
        return ASSAY_RANK_THERE;
    return atomic_load(&seat->left) ? ASSAY_RANK_LEFT : ASSAY_RANK_DIED; /* it may have left meanwhile */
}

/* Kept one higher, so that the zero of new memory is nobody. */
static void tell(void *self, uint32_t waits_for)
{
    const struct shared *s = self;
    atomic_store_explicit(&s->at->seat[s->rank].waits_for, waits_for + 1, memory_order_relaxed);
}

static uint32_t told(void *self, uint32_t rank)
{
    const struct shared *s = self;
    return atomic_load_explicit(&s->at->seat[rank].waits_for, memory_order_relaxed) - 1;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

enum assay_code assay_shared_new(uint32_t n_ranks, int *fd, char path[64], struct assay_error *err)
{
    if (n_ranks < 2 || n_ranks > ASSAY_RANKS_MOST)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "memory for %u ranks: from 2 to %u share it", n_ranks, ASSAY_RANKS_MOST);
    int made = memfd_create("assay-ranks", MFD_CLOEXEC);
    if (made < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_MEMORY, "cannot make memory for %u ranks", n_ranks);
    struct segment head = {.magic = MAGIC, .n_ranks = n_ranks, .ring_bytes = ring_bytes_of(n_ranks), .bytes = segment_bytes(n_ranks)};
    if (ftruncate(made, (off_t)head.bytes) || pwrite(made, &head, offsetof(struct segment, seat), 0) != (ssize_t)offsetof(struct segment, seat)) {
        (void)ASSAY_FAIL_ERRNO(err, ASSAY_MEMORY, "cannot make memory for %u ranks", n_ranks);
        (void)close(made);
        return err->code;
    }
    *fd = made;
    (void)snprintf(path, 64, "/proc/%d/fd/%d", (int)getpid(), made);
    return ASSAY_OK;
}

static void shared_close(void *self)
{
    struct shared *s = self;
    if (s->at) {
        atomic_store(&s->at->seat[s->rank].left, 1);
        for (uint32_t i = 0; i < s->at->n_ranks; i++)
            ring_bell(&s->at->seat[i]);
        (void)munmap(s->at, s->bytes);
    }
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s);
}

static enum assay_code map(struct shared *s, const char *path, uint32_t n_ranks, struct assay_error *err)
{
    struct stat about;
    s->fd = open(path, O_RDWR | O_CLOEXEC); /* a description of its own: the lock is on it */
    if (s->fd < 0 || fstat(s->fd, &about))
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open the memory of the ranks, '%.60s'", path);
    if ((uint64_t)about.st_size != segment_bytes(n_ranks))
        return ASSAY_FAIL(err, ASSAY_DATA, "'%.60s' is no memory of %u ranks: it has %lld bytes", path, n_ranks, (long long)about.st_size);
    s->bytes = (size_t)about.st_size;
    void *at = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
    if (at == MAP_FAILED)
        return ASSAY_FAIL_ERRNO(err, ASSAY_MEMORY, "cannot map the memory of the ranks");
    s->at = at;
    if (s->at->magic != MAGIC || s->at->n_ranks != n_ranks || s->at->ring_bytes != ring_bytes_of(n_ranks) || s->at->bytes != s->bytes) {
        (void)munmap(at, s->bytes);
        s->at = NULL;
        return ASSAY_FAIL(err, ASSAY_DATA, "'%.60s' is no memory of %u ranks", path, n_ranks);
    }
    return ASSAY_OK;
}

static enum assay_code sit_down(struct shared *s, struct assay_error *err)
{
    struct flock lock = seat_lock(s->rank);
    if (fcntl(s->fd, F_OFD_SETLK, &lock)) {
        (void)ASSAY_FAIL_ERRNO(err, ASSAY_CONFIG, "rank %u is there already", s->rank);
        (void)munmap(s->at, s->bytes);
        s->at = NULL;
        return err->code;
    }
    atomic_store(&s->at->seat[s->rank].came, 1);
    s->heard = atomic_load(&s->at->seat[s->rank].bell);
    return ASSAY_OK;
}

enum assay_code assay_shared_join(const char *path, uint32_t rank, uint32_t n_ranks, struct assay_link *out, struct assay_error *err)
{
    struct shared *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a rank");
    *s = (struct shared){.rank = rank, .fd = -1};
    if (n_ranks < 2 || n_ranks > ASSAY_RANKS_MOST || rank >= n_ranks)
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "rank %u of %u: there are from 2 to %u", rank, n_ranks, ASSAY_RANKS_MOST);
    if (err->code || map(s, path, n_ranks, err) || sit_down(s, err)) {
        shared_close(s);
        return err->code;
    }
    *out = (struct assay_link){.rank = rank, .n_ranks = n_ranks, .kind = "shared", .self = s, .push = push, .pull = pull, .rest = rest,
                               .look = look, .tell = tell, .told = told, .close = shared_close};
    return ASSAY_OK;
}
