#include "harness/measure/power_rapl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/text.h"
#include "assay/banned.h"

#define MOST_WATTS 2000.0 /* more than any package draws */

static bool read_number(int fd, uint64_t *out)
{
    char    text[32], *end;
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    if (got <= 0)
        return false;
    text[got] = 0;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return end != text && !errno;
}

static int open_in(const char *root, const char *domain, const char *file)
{
    char path[512];
    int  length = snprintf(path, sizeof path, "%s/%s/%s", root, domain, file);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void name_of(const char *root, const char *domain, char *out, size_t capacity)
{
    int     fd = open_in(root, domain, "name");
    ssize_t got = fd >= 0 ? read(fd, out, capacity - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    out[got > 0 ? got : 0] = 0;
    out[strcspn(out, "\n")] = 0;
}

static bool add_domain(struct assay_rapl *r, const char *root, const char *domain, const char *name, char *why,
                       size_t capacity)
{
    struct assay_rapl_domain *d = &r->domain[r->n];
    int                       range = open_in(root, domain, "max_energy_range_uj");
    bool                      got = range >= 0 && read_number(range, &d->range_uj);
    if (range >= 0)
        (void)close(range);
    errno = 0;
    d->fd = open_in(root, domain, "energy_uj");
    if (!got || d->fd < 0 || !read_number(d->fd, &d->begin_uj)) {
        (void)snprintf(why, capacity, "rapl %s: %s", name, errno ? strerror(errno) : "no number where its energy should be");
        if (d->fd >= 0)
            (void)close(d->fd);
        return false;
    }
    r->n++;
    struct assay_text scope = {r->scope, sizeof r->scope, strlen(r->scope), false};
    assay_text_add(&scope, "%s%s", scope.length ? " + " : "", name);
    return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_rapl(const struct dirent *e)
{
    return strstr(e->d_name, "rapl:") != NULL;
}

/* "psys" contains the packages and "core" is contained in one: they are left out. The same package may be shown once more
 * through another interface ("intel-rapl-mmio"): only the first of its kind is taken. */
bool assay_rapl_open(struct assay_rapl *r, const char *root, char *why, size_t capacity)
{
    struct dirent **entry = NULL;
    bool            good = true;
    int             n = scandir(root, &entry, is_rapl, by_name);
    memset(r, 0, sizeof *r);
    for (int i = 0; i < n; i++) {
        char name[48];
        name_of(root, entry[i]->d_name, name, sizeof name);
        bool wanted = !strncmp(name, "package", 7) || !strcmp(name, "dram");
        if (good && wanted && !strstr(entry[i]->d_name, "mmio") && r->n < ASSAY_RAPL_MAX_DOMAINS)
            good = add_domain(r, root, entry[i]->d_name, name, why, capacity);
        free(entry[i]);
    }
    free(entry);
    if (good && !r->n)
        (void)snprintf(why, capacity, "no rapl under %s: not on this machine, or hidden from guests", root);
    if (good && r->n)
        return true;
    assay_rapl_close(r);
    return false;
}

void assay_rapl_close(struct assay_rapl *r)
{
    for (size_t i = 0; i < r->n; i++)
        (void)close(r->domain[i].fd);
    r->n = 0;
}

bool assay_rapl_start(struct assay_rapl *r)
{
    r->running = true;
    for (size_t i = 0; i < r->n; i++)
        r->running = read_number(r->domain[i].fd, &r->domain[i].begin_uj) && r->running;
    return r->running;
}

bool assay_rapl_stop(struct assay_rapl *r, uint64_t elapsed_ns)
{
    bool good = r->running;
    r->running = false;
    for (size_t i = 0; i < r->n; i++) {
        struct assay_rapl_domain *d = &r->domain[i];
        uint64_t                  end;
        if (!read_number(d->fd, &end) || (double)elapsed_ns / 1e3 * MOST_WATTS > (double)d->range_uj)
            return false;
        r->joules += 1e-6 * (double)(end >= d->begin_uj ? end - d->begin_uj : end + d->range_uj - d->begin_uj);
    }
    return good;
}
