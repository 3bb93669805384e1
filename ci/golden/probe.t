# What a unit was configured to do is what is found, and every bit of random tiles agrees.
$ assay probe numerics --backend emulate,unit=fp8-promoted --dtype f16 --tiles 300 | sed -E 's/  +/ | /g'
property | value | how
operand a | f8e4m3 | 1 + 2^-3 comes through, 1 bit more does not; and powers of two
operand b | f8e4m3 | 1 + 2^-3 comes through, 1 bit more does not; and powers of two
sums | 14 bits | 2^j + 1 - 2^j loses 1 from j = 14 on, terms 0, 1, 2
sums round | toward zero | X + 1.5 - X is 0 and -X - 1.5 + X is 0 where the last place of X is 2
subnormal operands | kept | 2^-7 times a power of two is 0.0625
subnormal sums | not reached | operands of f8e4m3 times f8e4m3 do not come that low in f16
products | exact | 96 sums of random operands
added at once | 32 products, aligned to 13 fraction bits | the simplest structure that gives all 416 answers
order | in sequence | terms that were added before a large one met them, 320 sums
accumulator | f32 | bits and range of sums
promotion | every 128 products, into f32 | two small terms come through beside a large first one from about term 96 of 2048 on
compared | equal | 300 random tiles, 76,800 elements, every bit
verdict
explained, a lower class than f16 asks for: operands cut to f8e4m3, sums of 32 products in 14 bits, sums rounded toward zero
? 1

$ assay probe numerics --backend emulate,unit=bf16-fp32 --dtype bf16 --tiles 300 | tail -1
explained, and meets what bf16 asks for

$ for unit in fp16-fp32 fp16-fp16 tensorcore-aligned; do assay probe numerics --backend emulate,unit=$unit --dtype f16 --tiles 300 | tail -1; done
explained, and meets what f16 asks for
explained, a lower class than f16 asks for: sums in f16
explained, a lower class than f16 asks for: sums rounded toward zero
? 1

$ for unit in int8-int32 int8-saturating16; do assay probe numerics --backend emulate,unit=$unit --dtype i8 --tiles 300 | tail -1; done
explained, and meets what i8 by i8 asks for
explained, a lower class than u8 by i8 asks for: sums of 2 products in i16
? 1

# cpu multiplies 8-bit integers exactly, whoever does it; its own kernels at every width
$ for o in integer=auto integer=own,vectors=auto integer=own,vectors=128; do assay probe numerics --backend cpu,$o --dtype i8 --tiles 300 | tail -1; done
explained, and meets what u8 by i8 asks for
explained, and meets what u8 by i8 asks for
explained, and meets what u8 by i8 asks for

# oneDNN without VNNI saturates pairs of products in 16 bits, so that cpu does not take it unless it is told to
@skip no-onednn: there is no oneDNN here, or no AVX2 to limit it to
$ ONEDNN_MAX_CPU_ISA=AVX2 assay probe numerics --backend cpu,integer=onednn --dtype i8 --tiles 300 | tail -1
explained, a lower class than u8 by i8 asks for: sums of 2 products in i16
? 1

$ ONEDNN_MAX_CPU_ISA=AVX2 assay probe numerics --backend cpu --dtype i8 --tiles 300 | tail -1
explained, and meets what u8 by i8 asks for

# f32 of this machine's own kernels: FMA chains, cut where the caches want it
$ assay probe numerics --backend cpu,blas=own --tiles 300 | sed -nE 's/^(order|promotion|compared) +([^ ].*[^ ])  +.*/\1: \2/p; $p' | sed 's/  .*//'
order: in sequence
promotion: every 384 products, into f32
compared: equal
explained, and meets what f32 asks for

# what was found is a unit that emulate takes
$ assay probe numerics --backend emulate,unit=fp16-fp16 --dtype f16 --tiles 300 --json | sed -n '/^  "unit": {/,/^  }/p' | sed '1s/.*/{/; $s/.*/}/' >unit.json; assay probe numerics --backend emulate,unit=unit.json --dtype f16 --tiles 300 | tail -1
explained, a lower class than f16 asks for: sums in f16
? 1

# double is more than any unit has
$ assay probe numerics --backend reference --tiles 300 | tail -1
not explained: no unit that is known gives its answers
? 5

$ assay probe numerics --backend null
! assay: 'null:nothing,queues=1' computes no values
? 3

$ assay probe numerics --backend chaos,mode=crash
! assay: worker killed by SIGSEGV (Segmentation fault) in phase start
? 3

$ assay probe numerics --backend emulate,unit=bf16-fp33
! assay: there is no matrix unit 'bf16-fp33'; did you mean 'bf16-fp32'? (while probe of back end 'emulate', opening 'emulate,unit=bf16-fp33')
? 2

$ assay probe numerics --backend cpu --dtype i4
! assay: dtype must be one of f32, bf16, f16, i8; got 'i4'; did you mean 'i8'? (while reading option '--dtype')
? 2

$ assay probe speed
! assay: probe asks for numerics or repeat: assay probe numerics --backend cpu, or assay probe repeat gemm --backend cpu
? 2
