#!/usr/bin/env bash
# Mends what the splitting of the WASM module leaves for browsers that load it from any folder:
#
#   scripts/mend-split.sh SITE/pkg
#
# - The parts import the main script by an absolute address; under another one it would be a second
#   instance of the program.
# - wasm-bindgen from 0.2.128 on has an intrinsic that the splitter of cargo-leptos 0.3.6 does not know
#   and leaves as an import from a module that does not exist. It stands for the number of the first slot
#   that is not reserved (JSIDX_RESERVED of the crate), which the script reserves as 1024 and 4 more.
set -euo pipefail
pkg=$1

sed -i 's|"/pkg/runyard\.js"|"./runyard.js"|g' "$pkg"/__wasm_split*.js
sed -i -E 's|import ?\* ?as ([A-Za-z_$][A-Za-z0-9_$]*) ?from ?"__wbindgen_externref_xform__";|const \1={__wbindgen_externref_statics_end:()=>1028};|' \
  "$pkg/runyard.js"

# What is left must be an address.
if grep -hoE '(from|import) ?"[^"]*"' "$pkg"/*.js | grep -vE '"\./'; then
  echo 'mend-split: these imports name nothing that a browser can find' >&2
  exit 1
fi
grep -q 'Array(1024)' "$pkg/runyard.js" || {
  echo 'mend-split: the script reserves other slots than before; see JSIDX_RESERVED of wasm-bindgen' >&2
  exit 1
}
