#include "backends/cpu/optimizers/optimizers.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

#define INLINE static inline __attribute__((always_inline))

INLINE vf load(const float *p, size_t left)
{
    return left >= VL ? vf_load(p) : vf_load_part(p, left);
}

INLINE void store(float *p, vf x, size_t left)
{
    if (left >= VL)
        vf_store(p, x);
    else
        vf_store_part(p, x, left);
}

static void sgd(const struct cpu_update *u, size_t begin, size_t end)
{
    vf rate = vf_all(u->rate), scale = vf_all(u->scale), decay = vf_all(u->decay), momentum = vf_all(u->momentum);
    for (size_t i = begin; i < end; i += VL) {
        size_t left = end - i;
        vf     p = load(u->p + i, left), step = load(u->g + i, left) * scale + decay * p;
        if (u->m)
            step = momentum * load(u->m + i, left) + step;
        store(u->p_next + i, p - rate * step, left);
        if (u->m_next)
            store(u->m_next + i, step, left);
    }
}

static void adam(const struct cpu_update *u, size_t begin, size_t end)
{
    vf rate = vf_all(u->rate), scale = vf_all(u->scale), decay = vf_all(u->decay), epsilon = vf_all(u->epsilon);
    for (size_t i = begin; i < end; i += VL) {
        size_t left = end - i;
        vf     p = load(u->p + i, left), g = load(u->g + i, left) * scale;
        vf     m = load(u->m + i, left) * u->beta1 + g * u->rest1, v = load(u->v + i, left) * u->beta2 + g * g * u->rest2;
        vf     direction = m * u->correct1 / (vf_sqrt(v * u->correct2) + epsilon) + decay * p;
        store(u->p_next + i, u->direction ? direction : p - rate * direction, left);
        store(u->m_next + i, m, left);
        store(u->v_next + i, v, left);
    }
}

static void apply(const struct cpu_update *u, size_t begin, size_t end)
{
    vf rate = vf_all(u->rate);
    for (size_t i = begin; i < end; i += VL)
        store(u->p_next + i, load(u->p + i, end - i) - rate * load(u->g + i, end - i), end - i);
}

const struct cpu_optimizer_kernels CPU_ISA_NAME(optimizers) = {.sgd = sgd, .adam = adam, .apply = apply};
