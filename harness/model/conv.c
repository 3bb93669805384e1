#include "harness/model/kernel.h"

#include <math.h>

#include "harness/model/rates.h"

#include "assay/banned.h"

/* The product it is equal to, but that its operands are read once and not as the product's matrices, whose left one repeats each
 * input for every place of the window. */
enum assay_code assay_price_conv(const struct assay_chip *chip, const struct assay_coefficients *k,
                                 const struct assay_conv_shape *s, struct assay_price *out, struct assay_error *err)
{
    struct assay_gemm_shape product = s->product;
    double bytes = s->input_bytes + s->weight_bytes + s->output_bytes, window = product.batch * product.m * product.k;
    double output = product.batch * product.m * product.n;
    product.a_bytes = window > 0 ? s->input_bytes / window : 0;
    product.b_bytes = s->weight_bytes / fmax(1, product.batch * product.k * product.n);
    product.c_bytes = s->output_bytes / fmax(1, output);
    struct assay_price price;
    if (assay_price_gemm(chip, k, &product, &price, err))
        return assay_error_in(err, "pricing a convolution");
    price.class = ASSAY_KERNEL_CONV;
    price.cache_bytes = bytes;
    *out = price;
    return ASSAY_OK;
}
