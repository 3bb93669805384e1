#include "harness/run/rank_orders.h"

#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"

#include "assay/banned.h"

#define SILENT_NS ASSAY_NS_PER_S /* for ranks to answer that heard of a loss: those that wait do at once */

/* What ranks and their plug-ins print goes to this worker's standard error, of which the end is kept. */
void assay_ranks_drain(struct assay_session *s)
{
    char piece[1024];
    for (uint32_t i = 0; i < s->n_processes; i++) {
        const int from[] = {s->process[i].errors, s->region ? -1 : s->process[i].from};
        for (size_t k = 0; k < 2; k++) {
            ssize_t n = from[k] >= 0 ? read(from[k], piece, sizeof piece) : 0;
            if (n > 0)
                (void)!write(STDERR_FILENO, piece, (size_t)n);
        }
    }
}

const char *assay_ranks_host(const struct assay_session *s, uint32_t rank)
{
    return *s->member[rank].ready.host ? s->member[rank].ready.host : "its host";
}

enum assay_code assay_ranks_lost(struct assay_session *s, struct assay_error *err)
{
    uint32_t rank;
    char     why[ASSAY_LINK_WHY];
    return s->post.lost(s->post.self, &rank, why) ? ASSAY_FAIL(err, ASSAY_DEVICE, "rank %u on %.48s: %.180s", rank, assay_ranks_host(s, rank), why)
                                                  : ASSAY_OK;
}

/* Of a failed execution, when a rank is lost: which. One that was missed and answers was itself waiting; who does not answer hangs. */
static enum assay_code blame(struct assay_session *s, struct assay_error *err)
{
    uint64_t begin = assay_clock_now_ns();
    uint32_t silent, missed;
    char     why[ASSAY_LINK_WHY];
    for (;;) {
        silent = 0;
        while (silent < s->with.n && s->post.is_done(s->post.self, silent))
            silent++;
        if (silent == s->with.n || assay_clock_now_ns() - begin > SILENT_NS)
            break;
        s->post.rest(s->post.self, ASSAY_RANKS_NAP_NS);
    }
    if (!s->post.lost(s->post.self, &missed, why) || silent == s->with.n || !s->post.is_done(s->post.self, missed))
        return assay_ranks_lost(s, err);
    return ASSAY_FAIL(err, ASSAY_DEVICE, "rank %u on %.48s does not answer; %.180s", silent, assay_ranks_host(s, silent), why);
}

/* Has one ended that was not told to? */
enum assay_code assay_ranks_look(struct assay_session *s, struct assay_error *err)
{
    struct assay_process_end end;
    assay_ranks_drain(s);
    for (uint32_t i = 0; i < s->n_processes; i++)
        if (s->process[i].pid && assay_process_wait(&s->process[i], 0, &end)) {
            s->process[i].pid = 0;
            if (s->region)
                s->post.lose(s->post.self, i, end.text);
            else if (!assay_ranks_lost(s, err)) /* a rank that ended first is the reason */
                return ASSAY_FAIL(err, ASSAY_DEVICE, "%s ended (%s) before its ranks", s->with.launcher, end.text);
        }
    return assay_ranks_lost(s, err);
}

struct assay_order_box *assay_ranks_box(struct assay_session *s, uint32_t rank)
{
    return s->post.box(s->post.self, rank);
}

enum assay_code assay_ranks_give(struct assay_session *s, uint32_t rank, enum assay_order what, size_t front, size_t back, struct assay_error *err)
{
    assay_ranks_box(s, rank)->what = what;
    return s->post.give(s->post.self, rank, front, back, err);
}

/* Until the rank has done what it was given. ASSAY_TIMEOUT: it goes on. */
enum assay_code assay_ranks_await(struct assay_session *s, uint32_t rank, uint64_t timeout_ns, struct assay_error *err)
{
    uint64_t begin = assay_clock_now_ns();
    while (!s->post.is_done(s->post.self, rank)) {
        if (assay_clock_now_ns() - begin >= timeout_ns)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "rank %u on %.48s is not done", rank, assay_ranks_host(s, rank));
        s->post.rest(s->post.self, ASSAY_RANKS_NAP_NS);
        if (!s->post.is_done(s->post.self, rank) && assay_ranks_look(s, err))
            return err->code;
    }
    const struct assay_order_box *box = assay_ranks_box(s, rank);
    if (!box->error.code)
        return ASSAY_OK;
    if (box->what == ASSAY_ORDER_EXECUTE && assay_ranks_lost(s, err))
        return blame(s, err);
    *err = box->error;
    return assay_error_in(err, "rank %u on %.48s", rank, assay_ranks_host(s, rank));
}

enum assay_code assay_ranks_order(struct assay_session *s, uint32_t rank, enum assay_order what, const uint64_t arg[3], size_t front,
                                  struct assay_error *err)
{
    if (assay_ranks_lost(s, err))
        return err->code;
    memcpy(assay_ranks_box(s, rank)->arg, arg, 3 * sizeof *arg);
    return assay_ranks_give(s, rank, what, front, 0, err) ? err->code : assay_ranks_await(s, rank, s->with.patience_ns + ASSAY_RANKS_START_NS, err);
}
