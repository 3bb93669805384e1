/* Links that are shared, counted in closed form (tiers.h), against SimGrid's flows that share them max-min fairly: seeded mixes of
 * concurrent groups on fat trees with and without oversubscription, on rails and on a torus. Prints the errors of each; fails where the
 * 95th percentile is beyond 3 %. Platforms are written from the tier that the closed form is given. Without libsimgrid-dev (ci/setup
 * all) it says so and checks nothing. */
#include <stdio.h>
#include <stdlib.h>

#if __has_include(<simgrid/engine.h>)
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <simgrid/actor.h>
#include <simgrid/barrier.h>
#include <simgrid/comm.h>
#include <simgrid/engine.h>
#include <simgrid/host.h>
#include <simgrid/mailbox.h>

#include "harness/base/random.h"
#include "harness/model/cluster/tiers.h"

enum { MIXES = 60, MOST_HOSTS = 64, MOST_KINDS = 3 };
#define LINK 50e9
#define LIMIT 0.03

struct place {
    char                     name[32];
    struct assay_fabric_tier tier;
    int                      rails; /* copies of the tree, one for each place within a unit */
};
static const struct place places[] = {
    {"fat tree", {.topology = ASSAY_TOPOLOGY_FAT_TREE, .units = 32, .leaf = 8, .link = LINK, .oversubscription = 1}, 1},
    {"fat tree, 4 to 1", {.topology = ASSAY_TOPOLOGY_FAT_TREE, .units = 32, .leaf = 8, .link = LINK, .oversubscription = 4}, 1},
    {"rails, 2 to 1", {.topology = ASSAY_TOPOLOGY_RAILS, .units = 16, .leaf = 4, .link = LINK, .oversubscription = 2}, 4},
    {"torus", {.topology = ASSAY_TOPOLOGY_TORUS, .units = 64, .leaf = 64, .link = LINK, .oversubscription = 1, .shape = {4, 4, 4}}, 1},
};
enum { PLACES = sizeof places / sizeof *places };

/* What runs in this process: one place, its mixes. */
static const struct place       *at;
static struct assay_tier_traffic mix[MIXES][MOST_KINDS];
static size_t                    n_kinds[MIXES];
static double                    began[MIXES], ended[MIXES];
static sg_bar_t                  together;

static int units_of(const struct place *p) { return (int)p->tier.units; }
static int hosts_of(const struct place *p) { return units_of(p) * p->rails; }

/* ---- the platform -------------------------------------------------------------------------------------------------- */

/* Links above leaves have no latency, so that flows weigh alike (CM02 gives the shorter round trip more). */
static void write_link(FILE *to, const char *kind, int i, double rate)
{
    fprintf(to, "<link id=\"%s%d\" bandwidth=\"%.0fBps\" latency=\"%dns\"/>\n", kind, i, rate, kind[0] != 'a' && kind[0] != 'b');
}

static void write_tree(FILE *to, const struct place *p)
{
    int leaf = (int)p->tier.leaf, units = units_of(p), n = hosts_of(p), leaves = units / leaf;
    for (int i = 0; i < n; i++) {
        write_link(to, "up", i, LINK);
        write_link(to, "down", i, LINK);
    }
    for (int l = 0; l < leaves * p->rails; l++) {
        write_link(to, "above", l, LINK * leaf / p->tier.oversubscription);
        write_link(to, "below", l, LINK * leaf / p->tier.oversubscription);
    }
    for (int i = 0; i < n; i++)
        for (int j = i / units * units; j < (i / units + 1) * units; j++) {
            if (i == j)
                continue;
            fprintf(to, "<route src=\"h%d\" dst=\"h%d\" symmetrical=\"NO\"><link_ctn id=\"up%d\"/>", i, j, i);
            if (i / leaf != j / leaf)
                fprintf(to, "<link_ctn id=\"above%d\"/><link_ctn id=\"below%d\"/>", i / leaf, j / leaf);
            fprintf(to, "<link_ctn id=\"down%d\"/></route>\n", j);
        }
}

/* One dimension after the other, the shorter way round; of two that are as long, by the sender's parity. */
static void write_torus_route(FILE *to, const struct place *p, int i, int j)
{
    int here[3], there[3], step = 1;
    for (int d = 0, a = i, b = j; d < 3; d++) {
        int side = (int)p->tier.shape[d];
        here[d] = a % side, there[d] = b % side;
        a /= side, b /= side;
    }
    int node = i;
    for (int d = 0; d < 3; d++, step *= (int)p->tier.shape[d - 1]) {
        int  side = (int)p->tier.shape[d], way = (there[d] - here[d] + side) % side;
        bool forward = way * 2 < side || (way * 2 == side && here[d] % 2 == 0);
        for (int hops = forward ? way : side - way; hops > 0; hops--) {
            fprintf(to, "<link_ctn id=\"%c%c%d\"/>", "xyz"[d], forward ? 'f' : 'b', node);
            int place_in = node / step % side, next = (place_in + (forward ? 1 : side - 1)) % side;
            node += (next - place_in) * step;
        }
    }
}

static void write_torus(FILE *to, const struct place *p)
{
    int n = hosts_of(p);
    for (int i = 0; i < n; i++)
        for (int d = 0; d < 3; d++)
            for (int way = 0; way < 2; way++) {
                char kind[3] = {"xyz"[d], "fb"[way], 0};
                write_link(to, kind, i, LINK / 6);
            }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            if (i != j) {
                fprintf(to, "<route src=\"h%d\" dst=\"h%d\" symmetrical=\"NO\">", i, j);
                write_torus_route(to, p, i, j);
                fputs("</route>\n", to);
            }
}

static void write_platform(const char *path, const struct place *p)
{
    FILE *to = fopen(path, "w");
    if (!to) {
        perror(path);
        _exit(2);
    }
    fputs("<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n<platform version=\"4.1\"><zone id=\"all\" routing=\"Full\">\n", to);
    for (int i = 0; i < hosts_of(p); i++)
        fprintf(to, "<host id=\"h%d\" speed=\"1Gf\"/>\n", i);
    if (p->tier.topology == ASSAY_TOPOLOGY_TORUS)
        write_torus(to, p);
    else
        write_tree(to, p);
    fputs("</zone></platform>\n", to);
    if (fclose(to))
        _exit(2);
}

/* ---- the traffic --------------------------------------------------------------------------------------------------- */

/* Groups whose members are `stride` units apart; of a torus whole sides only, as the closed form is for those. */
static void draw(struct assay_random *r, const struct place *p, struct assay_tier_traffic *x)
{
    static const double torus[][2] = {{4, 1}, {4, 4}, {4, 16}, {16, 1}, {16, 4}, {64, 1}};
    x->exchange = assay_random_below(r, 2);
    x->bytes = 1e9 * (0.1 + assay_random_unit(r));
    if (p->tier.topology == ASSAY_TOPOLOGY_TORUS) {
        size_t i = assay_random_below(r, 6);
        x->members = torus[i][0], x->stride = torus[i][1];
        return;
    }
    do {
        x->members = exp2(1 + (double)assay_random_below(r, 5));
        x->stride = exp2((double)assay_random_below(r, 5));
    } while (x->members * x->stride > p->tier.units);
}

/* Sends of one host: to which, how much. */
struct sends {
    int    n, to[MOST_HOSTS * MOST_KINDS];
    double bytes[MOST_HOSTS * MOST_KINDS];
};

static void add(struct sends *s, int to, double bytes)
{
    s->to[s->n] = to;
    s->bytes[s->n++] = bytes;
}

/* Rings on a torus: the same to both neighbours along each side that the group has. */
static void add_torus_ring(const struct place *p, const struct assay_tier_traffic *x, int host, struct sends *s)
{
    int from = 1, sides = 0;
    for (int pass = 0; pass < 2; pass++, from = 1)
        for (int d = 0; d < 3; d++) {
            int side = (int)p->tier.shape[d], next = from * side, here = host / from % side;
            if (from >= x->stride && next <= x->members * x->stride) {
                if (pass)
                    for (int way = 1; way < side; way += side - 2)
                        add(s, host + ((here + way) % side - here) * from, x->bytes / 2 / sides);
                else
                    sides++;
            }
            from = next;
        }
}

static void add_kind(const struct place *p, const struct assay_tier_traffic *x, int host, struct sends *s)
{
    int members = (int)x->members, stride = (int)x->stride, unit = host % units_of(p), base = host - unit;
    int block = unit / (members * stride) * (members * stride), offset = unit % stride, me = unit % (members * stride) / stride;
    if (!x->exchange && p->tier.topology == ASSAY_TOPOLOGY_TORUS) {
        add_torus_ring(p, x, host, s);
        return;
    }
    if (!x->exchange) {
        add(s, base + block + (me + 1) % members * stride + offset, x->bytes);
        return;
    }
    for (int k = 1; k < members; k++)
        add(s, base + block + (me + k) % members * stride + offset, x->bytes / (members - 1));
}

static void sends_of(size_t m, int host, struct sends *s)
{
    s->n = 0;
    for (size_t k = 0; k < n_kinds[m]; k++)
        add_kind(at, &mix[m][k], host, s);
}

static sg_mailbox_t box(size_t m, int from, int to, int i)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%zu-%d-%d-%d", m, from, to, i);
    return sg_mailbox_by_name(name);
}

/* Every host sends what it has and takes what comes; the next mix begins when all is done. */
static void host_main(int argc, char **argv)
{
    struct sends *own = calloc(2, sizeof *own), *other = own + 1; /* the actors take turns at every call of the simulator */
    int           host = atoi(argv[1]), n = hosts_of(at);
    sg_comm_t    *comms = calloc((size_t)n * MOST_HOSTS * MOST_KINDS + 1, sizeof *comms);
    void        **got = calloc((size_t)n * MOST_HOSTS * MOST_KINDS + 1, sizeof *got);
    (void)argc;
    for (size_t m = 0; m < MIXES; m++) {
        size_t open = 0;
        sg_barrier_wait(together);
        if (host == 0)
            began[m] = simgrid_get_clock();
        sends_of(m, host, own);
        for (int i = 0; i < own->n; i++)
            comms[open++] = sg_mailbox_put_async(box(m, host, own->to[i], i), own, (long)own->bytes[i]);
        for (int from = 0; from < n; from++) {
            sends_of(m, from, other);
            for (int i = 0; i < other->n; i++)
                if (other->to[i] == host) {
                    comms[open] = sg_mailbox_get_async(box(m, from, host, i), &got[open]);
                    open++;
                }
        }
        sg_comm_wait_all(comms, open);
        ended[m] = fmax(ended[m], simgrid_get_clock());
    }
    free(comms);
    free(got);
    free(own);
}

/* ---- one place ----------------------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int judge(const struct place *p)
{
    double errors[MIXES], worst = 0;
    size_t which = 0;
    for (size_t m = 0; m < MIXES; m++) {
        double closed = assay_tier_mix_s(&p->tier, mix[m], n_kinds[m]), simulated = ended[m] - began[m];
        errors[m] = fabs(closed / simulated - 1);
        if (errors[m] > worst)
            worst = errors[m], which = m;
    }
    qsort(errors, MIXES, sizeof *errors, ascending);
    printf("%-18s %d mixes: median %.2f %%, 95th percentile %.2f %%, worst %.2f %% (", p->name, MIXES, 100 * errors[MIXES / 2],
           100 * errors[MIXES * 95 / 100], 100 * worst);
    for (size_t k = 0; k < n_kinds[which]; k++)
        printf("%s%s of %.0f, %.0f apart", k ? " and " : "", mix[which][k].exchange ? "exchanges" : "rings", mix[which][k].members, mix[which][k].stride);
    printf(")\n");
    return errors[MIXES * 95 / 100] > LIMIT;
}

static int run_place(size_t i, char *program)
{
    char  path[] = "/tmp/assay-platform-XXXXXX", xml[64];
    char *argv[] = {program, "--cfg=network/model:CM02", "--cfg=network/crosstraffic:0", "--cfg=network/TCP-gamma:1e12", "--cfg=network/weight-S:0",
                    "--log=root.thres:error", NULL};
    int   argc = sizeof argv / sizeof *argv - 1, fd = mkstemp(path);
    struct assay_random r;
    if (fd < 0)
        return 2;
    (void)close(fd);
    (void)snprintf(xml, sizeof xml, "%s.xml", path);
    at = &places[i];
    assay_random_init(&r, 100 + i);
    for (size_t m = 0; m < MIXES; m++) {
        n_kinds[m] = at->tier.topology == ASSAY_TOPOLOGY_TORUS ? 1 : 1 + assay_random_below(&r, MOST_KINDS);
        for (size_t k = 0; k < n_kinds[m]; k++)
            draw(&r, at, &mix[m][k]);
    }
    write_platform(xml, at);
    simgrid_init(&argc, argv);
    simgrid_load_platform(xml);
    (void)unlink(xml);
    (void)unlink(path);
    together = sg_barrier_init((unsigned)hosts_of(at));
    for (int h = 0; h < hosts_of(at); h++) {
        char        name[16], host[16];
        const char *words[] = {name, name, NULL};
        (void)snprintf(name, sizeof name, "%d", h);
        (void)snprintf(host, sizeof host, "h%d", h);
        sg_actor_create_(name, sg_host_by_name(host), host_main, 2, words);
    }
    simgrid_run();
    return judge(at);
}

int main(int argc, char **argv)
{
    int bad = 0;
    (void)argc;
    for (size_t i = 0; i < PLACES; i++) { /* one simulation a process */
        int status = 0;
        (void)fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            int result = run_place(i, argv[0]);
            (void)fflush(stdout);
            _exit(result);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status))
            bad = 1;
    }
    return bad;
}
#else
int main(void)
{
    puts("contention: not checked, as SimGrid is not here (libsimgrid-dev, ci/setup all)");
    return 0;
}
#endif
