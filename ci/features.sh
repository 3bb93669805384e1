#!/bin/sh
# Finds what this machine can build with; writes it as make variables and says yes or no, with the reason.
#   WITH_<X>=auto|0|1: 1 and not there is an error.
set -eu
out=$1
cc=${CC:-cc}
cflags='' libs='' failed=0

have() { # header, library flags
    printf '#include <%s>\nint main(void){return 0;}\n' "$1" | "$cc" -x c - $2 -o /dev/null 2>/dev/null
}
feature() { # NAME header flags package
    want='' # WITH_<NAME> of the environment
    eval "want=\${WITH_$1:-auto}"
    if [ "$want" = 0 ]; then echo "  $1: no (WITH_$1=0)"; cflags="$cflags -DASSAY_WITH_$1=0"; return; fi
    if have "$2" "$3"; then
        echo "  $1: yes"; cflags="$cflags -DASSAY_WITH_$1=1"; libs="$libs $3"
    else
        echo "  $1: no (<$2> or $3 not found; package $4)"; cflags="$cflags -DASSAY_WITH_$1=0"
        if [ "$want" = 1 ]; then echo "error: WITH_$1=1 was asked for" >&2; failed=1; fi
    fi
}
require() { # header flags package
    have "$1" "$2" || { echo "error: <$1> or $2 not found; install $3 (ci/setup run does)" >&2; failed=1; }
}
echo "features of this machine:"
require jansson.h -ljansson libjansson-dev
require sodium.h -lsodium libsodium-dev
require xxhash.h -lxxhash libxxhash-dev
require sqlite3.h -lsqlite3 libsqlite3-dev
feature PAPI papi.h -lpapi libpapi-dev
feature PFM perfmon/pfmlib.h -lpfm libpfm4-dev
feature HWLOC hwloc.h -lhwloc libhwloc-dev
feature XLSX xlsxwriter.h -lxlsxwriter libxlsxwriter-dev
[ $failed = 0 ] || exit 1
printf 'FEATURE_CFLAGS :=%s\nFEATURE_LIBS :=%s\n' "$cflags" "$libs" > "$out.new"
mv "$out.new" "$out"
