#include "harness/model/routing.h"

#include <math.h>
#include <stddef.h>

#include "harness/base/random.h"

#include "assay/banned.h"

#define DRAWS 24
#define ROUTING_KEY 0x6d6f65u /* "moe": a stream of its own */
#define EXPERTS_MOST 4096

/* Quantile u of the density x^-exponent on [low, high]. */
static double power_law(double exponent, double low, double high, double u)
{
    double a = 1 - exponent;
    if (fabs(a) < 1e-9)
        return low * pow(high / low, u);
    return pow((pow(high, a) - pow(low, a)) * u + pow(low, a), 1 / a);
}

struct busiest {
    double load, touched;
};

/* Copies for each unit of popularity: a token goes to an expert once, and what a popular one cannot take the others get. */
static double share_of(const double *popularity, size_t experts, double copies, double tokens)
{
    double share = 0, before;
    do {
        double rest = copies, popular = 0;
        before = share;
        for (size_t i = 0; i < experts; i++)
            if (before > 0 && popularity[i] * before >= tokens)
                rest -= tokens;
            else
                popular += popularity[i];
        share = popular > 0 ? fmax(before, rest / popular) : before;
    } while (share > before);
    return share;
}

/* The busiest rank of `local` neighbours, and how many of its experts get a token: an expert that a share s of the tokens goes to
 * gets none with a chance of (1 - s)^tokens. */
static struct busiest busiest_of(const double *popularity, size_t experts, size_t local, double copies, double tokens)
{
    struct busiest most = {0, 0};
    double         share = share_of(popularity, experts, copies, tokens);
    for (size_t first = 0; first + local <= experts; first += local) {
        struct busiest rank = {0, 0};
        for (size_t i = first; i < first + local; i++) {
            double load = fmin(popularity[i] * share, tokens);
            rank.load += load;
            rank.touched += -expm1(tokens * log1p(-load / tokens));
        }
        if (rank.load > most.load)
            most = rank;
    }
    return most;
}

static struct assay_routing even(double tokens, double top_k, double experts, double ep)
{
    double copies = tokens * top_k, local = fmax(1, floor(experts / ep));
    return (struct assay_routing){.imbalance = 1, .touched = fmin(local, fmax(1, ceil(copies / ep)))};
}

struct assay_routing assay_routing_of(double exponent, double tokens, double top_k, double experts, double ep)
{
    double copies = tokens * top_k, popularity[EXPERTS_MOST];
    if (exponent <= 0 || experts < 1 || experts > EXPERTS_MOST || ep < 1 || ep > experts)
        return even(tokens, top_k, experts, ep);
    size_t               n = (size_t)experts, local = (size_t)(experts / ep);
    double               low = copies > experts ? 1 : 0.01, high = copies > experts ? fmax(1.01, 0.8 * tokens) : 2;
    struct assay_routing mean = {0, 0};
    struct assay_random  random;
    assay_random_init(&random, ROUTING_KEY);
    for (int draw = 0; draw < DRAWS; draw++) {
        for (size_t i = 0; i < n; i++)
            popularity[i] = power_law(exponent, low, high, assay_random_unit(&random));
        struct busiest most = busiest_of(popularity, n, local, copies, tokens);
        mean.imbalance += most.load / (copies / ep) / DRAWS;
        mean.touched += fmax(1, most.touched) / DRAWS;
    }
    return mean;
}
