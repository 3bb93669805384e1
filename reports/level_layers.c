#include "reports/level_layers.h"

#include <math.h>
#include <string.h>

#include "assay/banned.h"

enum assay_outcome assay_level_layer_outcome(const struct assay_model_layer *layer)
{
    return layer->diverges ? ASSAY_FAIL : isnan(layer->ratio) ? ASSAY_NOT_CHECKED : ASSAY_PASS;
}

/* How much a layer has to say: that it diverges, how near it is to its bound, nothing. */
static double weight(const struct assay_model_layer *l)
{
    return l->diverges ? INFINITY : isnan(l->strain) ? -1 : l->strain;
}

/* Is layer i told before layer k? Of equal ones the earlier. */
static bool comes_first(const struct assay_model_search *s, size_t i, size_t k)
{
    double a = weight(&s->value[i]), b = weight(&s->value[k]);
    return a > b || (!(a < b) && i < k);
}

size_t assay_level_layers(const struct assay_model_search *s, size_t most, size_t *index)
{
    size_t n = 0;
    for (size_t i = 0; most && i < s->n; i++) {
        size_t last = 0; /* of those chosen, which comes last */
        for (size_t k = 1; k < n; k++)
            last = comes_first(s, index[k], index[last]) ? last : k;
        if (n == most && !comes_first(s, i, index[last]))
            continue;
        if (n == most) {
            memmove(index + last, index + last + 1, (n - last - 1) * sizeof *index);
            n--;
        }
        index[n++] = i; /* ascending, as i is larger than all */
    }
    return n;
}
